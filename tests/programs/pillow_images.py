# needs: pillow
import io
from PIL import Image, ImageFilter
i = Image.radial_gradient("L").resize((800, 800)).filter(ImageFilter.GaussianBlur(3))
b = io.BytesIO()
i.save(b, "PNG")
print(i.size, len(Image.open(b).tobytes()), i.getpixel((400, 400)))
