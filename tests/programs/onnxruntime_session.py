# needs: onnxruntime
import onnxruntime as ort
print("CPUExecutionProvider" in ort.get_available_providers())
try:
    ort.InferenceSession(b"not a model")
except Exception as e:
    print(type(e).__name__)
