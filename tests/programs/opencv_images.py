# needs: opencv-python-headless
import cv2, numpy as np
a = np.arange(640 * 480 * 3, dtype=np.uint8).reshape(480, 640, 3)
b = cv2.GaussianBlur(cv2.resize(a, (320, 240)), (5, 5), 0)
ok, png = cv2.imencode(".png", b)
print(ok, b.shape, int(b.sum()), (cv2.imdecode(png, 1) == b).all())
