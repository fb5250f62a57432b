"""Middlewares: each request, or each task of Celery, is a span. They do nothing while no recording runs.

    application = memrec.requests.WSGI(application)		# Flask: app.wsgi_app = WSGI(app.wsgi_app)
    application = memrec.requests.ASGI(application)		# FastAPI, Starlette: app.add_middleware(ASGI)
    MIDDLEWARE = ["memrec.requests.django", ...]		# Django, first of all
    memrec.requests.celery()					# in a worker, once

A span is named after its request, "GET /order", or its task. `name`, an argument of all but Django's, is a function that
gets the environment (WSGI), the scope (ASGI) or the task, and returns a name: a route, for example, which is better
than a path that contains a number.
"""
from __future__ import annotations

from . import _agent, _spans
from .tracker import span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Optional


def _of_environment(environment):
    return "%s %s" % (environment.get("REQUEST_METHOD", ""),
                      environment.get("SCRIPT_NAME", "") + environment.get("PATH_INFO", ""))


class WSGI:
    """The span lasts until the server has sent the response and closes it."""

    def __init__(self, application: Any, name: Optional[Callable[[Any], str]] = None) -> None:
        self.application, self.name = application, name or _of_environment

    def __call__(self, environment: Any, start_response: Any) -> Any:
        if not _agent.may_be_recording():
            return self.application(environment, start_response)
        request = span(self.name(environment))
        request.__enter__()
        try:
            return _Response(self.application(environment, start_response), request)
        except BaseException:
            request.__exit__()
            raise


class _Response:
    """A response's parts; PEP 3333 has the server call close() at the end."""

    def __init__(self, parts, request):
        self._parts, self._request = parts, request

    def __iter__(self):
        return iter(self._parts)

    def close(self):
        try:
            if hasattr(self._parts, "close"):
                self._parts.close()
        finally:
            self._request.__exit__()


def _of_scope(scope):
    return "%s %s" % (scope.get("method") or scope["type"], scope.get("path", ""))


class ASGI:
    """Requests and websockets; the span runs while the application does, on any event loop."""

    def __init__(self, app: Any, name: Optional[Callable[[Any], str]] = None) -> None:
        self.app, self.name = app, name or _of_scope

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan" or not _agent.may_be_recording():
            return await self.app(scope, receive, send)
        return await _spans.follow(span(self.name(scope)), self.app(scope, receive, send))


def django(get_response: Any) -> Any:
    """A middleware of Django, of both kinds."""
    import asyncio

    def name_of(request):
        return "%s %s" % (request.method, request.path)

    if not asyncio.iscoroutinefunction(get_response):
        def middleware(request):
            if not _agent.may_be_recording():
                return get_response(request)
            with span(name_of(request)):
                return get_response(request)
        return middleware

    async def asynchronous(request):
        if not _agent.may_be_recording():
            return await get_response(request)
        return await _spans.follow(span(name_of(request)), get_response(request))
    asynchronous._is_coroutine = getattr(asyncio.coroutines, "_is_coroutine", None)
    return asynchronous


django.sync_capable = django.async_capable = True


def celery(name: Optional[Callable[[Any], str]] = None) -> None:
    """Each task that this worker runs is a span."""
    from celery.signals import task_postrun, task_prerun

    spans = {}

    def begin(task_id=None, task=None, **_):
        if _agent.may_be_recording():
            spans[task_id] = span(name(task) if name else task.name)
            spans[task_id].__enter__()

    def end(task_id=None, **_):
        task = spans.pop(task_id, None)
        if task is not None:
            task.__exit__()

    task_prerun.connect(begin, weak=False)
    task_postrun.connect(end, weak=False)
