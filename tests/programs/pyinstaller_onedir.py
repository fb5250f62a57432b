# needs: pyinstaller
import os, subprocess, sys
open("app.py", "w").write("import json\nx = [bytes(1000) for _ in range(5000)]\nprint(json.dumps(len(x)))\n")
subprocess.run([sys.executable, "-m", "PyInstaller", "-D", "--log-level", "ERROR", "app.py"], check=True)
r = subprocess.run(["dist/app/app"], stdout=subprocess.PIPE)
print(r.returncode, r.stdout)
