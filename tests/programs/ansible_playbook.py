# needs: ansible-core
import json, os, subprocess, sys
open("play.yml", "w").write(json.dumps([{"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": [
    {"command": "echo hello", "register": "r"}, {"assert": {"that": "r.stdout == 'hello'"}}]}]))
env = dict(os.environ, ANSIBLE_NOCOLOR="1", ANSIBLE_LOCALHOST_WARNING="0", ANSIBLE_INVENTORY_UNPARSED_WARNING="0", HOME=os.getcwd(), ANSIBLE_PYTHON_INTERPRETER=sys.executable)
r = subprocess.run([os.path.join(os.path.dirname(sys.executable), "ansible-playbook"), "play.yml"], env=env, stdout=subprocess.PIPE)
print(r.returncode, b"failed=0" in r.stdout)
