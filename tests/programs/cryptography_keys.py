# needs: cryptography
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.asymmetric import rsa, padding
from cryptography.hazmat.primitives import hashes
f = Fernet(Fernet.generate_key())
print(f.decrypt(f.encrypt(b"x" * 100_000)) == b"x" * 100_000)
k = rsa.generate_private_key(65537, 2048)
s = k.sign(b"m", padding.PKCS1v15(), hashes.SHA256())
k.public_key().verify(s, b"m", padding.PKCS1v15(), hashes.SHA256())
print(len(s))
