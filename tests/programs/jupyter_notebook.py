# needs: nbconvert ipykernel
import nbformat
from nbconvert.preprocessors import ExecutePreprocessor
v = nbformat.v4
n = v.new_notebook(cells=[v.new_code_cell("a = 6"), v.new_code_cell("print(a * 7)")])
ExecutePreprocessor(timeout=120, kernel_name="python3").preprocess(n, {})
print(n.cells[1].outputs[0].text.strip())
