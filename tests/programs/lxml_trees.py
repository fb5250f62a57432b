# needs: lxml
from lxml import etree
root = etree.fromstring("<r>" + "".join("<i n='%d'>t</i>" % i for i in range(5000)) + "</r>")
print(len(root.xpath("//i[@n mod 7 = 0]")), len(etree.tostring(root)))
