"""The table for this release must agree with the layout found; debug and free-threaded builds have none."""
import os, sys, sysconfig
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import pt
release = not hasattr(sys, "gettotalrefcount") and not sysconfig.get_config_var("Py_GIL_DISABLED")
if sys.version_info[:2] == (3, 14) and sys.version_info < (3, 14, 5): release = False
assert pt.GIL.pt_constant() == (release or sys.version_info < (3, 13)), release
