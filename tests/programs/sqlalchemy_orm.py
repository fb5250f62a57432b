# needs: sqlalchemy
from sqlalchemy import create_engine, select, func
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, Session
class Base(DeclarativeBase): pass
class Row(Base):
    __tablename__ = "row"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
e = create_engine("sqlite://")
Base.metadata.create_all(e)
with Session(e) as s:
    s.add_all([Row(name="n%d" % i) for i in range(1000)])
    s.commit()
    print(s.scalar(select(func.count()).select_from(Row)), s.get(Row, 7).name)
