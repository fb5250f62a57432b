# needs: django
import django
from django.conf import settings
settings.configure(DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}, ALLOWED_HOSTS=["*"],
                   INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth"], ROOT_URLCONF=__name__, SECRET_KEY="x")
django.setup()
from django.core.management import call_command
from django.contrib.auth.models import User
from django.http import JsonResponse
from django.test import Client
from django.urls import path
urlpatterns = [path("", lambda r: JsonResponse({"users": User.objects.count()}))]
call_command("migrate", verbosity=0)
User.objects.bulk_create([User(username="u%d" % i) for i in range(300)])
print(Client().get("/").json())
