"""Who may reach the server: nothing is served before the login, and every route is covered."""

import base64
import re

import httpx
import pytest
from starlette.routing import Mount
from starlette.testclient import TestClient

from ragbot.apps.serving import IndexRefresher
from ragbot.apps.web import server
from ragbot.apps.web.access import PROGRAMS, PUBLIC, PUBLIC_FOLDERS, RateLimit
from tests.apps.conftest import LOGIN, UNLIMITED

NAME, PASSWORD = LOGIN
OF_NOTES = ("Tomato", "Basil", "Late Blight", "Crop Rotation")


def paths_of(routes, above=""):
    """Yield the path and the methods of every route, those of mounted applications too."""
    for route in routes:
        if isinstance(route, Mount) and getattr(route.app, "routes", None):
            yield from paths_of(route.app.routes, above + route.path)
        elif isinstance(route, Mount):
            yield f"{above}{route.path}/x", {"GET"}
        elif hasattr(route, "original_router"):
            yield from paths_of(route.effective_candidates(), above)
        else:
            yield above + route.path, getattr(route, "methods", None) or {"GET", "POST", "DELETE"}


def all_paths(app):
    """Yield those of a server: its own, and those of the page."""
    yield from paths_of([*app.routes, *app.state.page.routes])


def filled(path):
    """Return a path with something in the place of each of its parameters."""
    return re.sub(r"\{[^}]*\}", "x", path)


@pytest.fixture(scope="module")
def app(plot_bot):
    limit = RateLimit(UNLIMITED)
    return server.application(IndexRefresher(plot_bot), login=LOGIN, limit=limit)


@pytest.fixture(scope="module")
def client(app):
    with TestClient(app, base_url="http://127.0.0.1", follow_redirects=False) as opened:
        yield opened


def test_every_route_asks_for_the_login_but_the_login_form_and_styles(app, client):
    routes = sorted({(filled(p), m) for p, methods in all_paths(app) for m in methods})
    paths = {path for path, _ in routes}
    assert {"/api/ask", "/api/docs", "/api/openapi.json", "/v1/models", "/mcp", "/config"} <= paths
    assert len(routes) > 60
    served = set()
    for path, method in routes:
        response = client.request(method, path)
        assert not any(name in response.text for name in OF_NOTES), path
        if response.status_code not in (401, 404):
            served.add(path)
    allowed = {"/", *PUBLIC}
    assert {p for p in served if not p.startswith(PUBLIC_FOLDERS)} <= allowed


@pytest.mark.parametrize(
    "header",
    [
        None,
        "Bearer",
        "Bearer " + PASSWORD,
        f"Bearer {NAME}:guessed",
        "Basic " + base64.b64encode(b"gardener:guessed").decode(),
        "Basic not-base64",
        "Digest " + ":".join(LOGIN),
    ],
)
def test_a_wrong_login_is_refused_with_advice(client, header):
    headers = {"Authorization": header} if header else {}
    for method, path in (("POST", "/api/ask"), ("GET", "/v1/models"), ("POST", "/mcp")):
        response = client.request(method, path, headers=headers)
        assert response.status_code == 401
        assert "NAME:PASSWORD" in response.text
        assert response.headers["www-authenticate"].startswith("Basic")


def test_the_login_is_accepted_as_basic_and_as_bearer(client):
    assert client.get("/api/status", auth=LOGIN).status_code == 200
    bearer = {"Authorization": "Bearer " + ":".join(LOGIN)}
    assert client.get("/api/status", headers=bearer).status_code == 200
    assert client.get("/v1/models", headers=bearer).status_code == 200


def test_a_login_on_the_page_opens_the_page_only(app):
    visitor = TestClient(app, base_url="http://127.0.0.1")
    assert visitor.get("/config").status_code == 401
    form = {"username": NAME, "password": PASSWORD}
    assert visitor.post("/login", data=form).status_code == 200
    assert visitor.get("/config").status_code == 200
    assert visitor.get("/api/status").status_code == 401


@pytest.fixture(scope="module")
def open_client(plot_bot):
    limit = RateLimit(UNLIMITED)
    app = server.application(IndexRefresher(plot_bot), limit=limit)
    with TestClient(app, base_url="http://127.0.0.1") as opened:
        yield opened


@pytest.mark.parametrize("path", ["/", "/config", "/api/status", "/v1/models", "/mcp"])
def test_another_host_name_is_refused(open_client, path):
    response = open_client.get(path, headers={"Host": "evil.example:7860"})
    assert response.status_code == 421
    assert "--auth" in response.text


@pytest.mark.parametrize("host", ["localhost:7860", "127.0.0.1", "[::1]:7860"])
def test_names_of_this_machine_are_served(open_client, host):
    assert open_client.get("/api/status", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("path", ["/api/ask", "/v1/chat/completions", "/mcp", "/login",
                                  "/gradio_api/queue/join"])  # fmt: skip
@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_page_of_another_site_cannot_send_anything(open_client, path, site):
    sent = open_client.post(path, headers={"Sec-Fetch-Site": site}, content="{}")
    assert sent.status_code == 403


def test_no_page_of_another_site_may_read(open_client):
    response = open_client.get("/config", headers={"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in response.headers


@pytest.mark.parametrize(
    "path", ["/", "/config", "/api/status", "/api/docs", "/v1/models", "/mcp", "/nothing"]
)
def test_every_response_has_the_security_headers(open_client, path):
    headers = open_client.get(path).headers
    assert "default-src 'self'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["/api/ask", "/api/status", "/v1/chat/completions", "/mcp",
                                  "/login"])  # fmt: skip
def test_every_door_counts_against_the_limit(plot_bot, path):
    app = server.application(IndexRefresher(plot_bot), login=LOGIN, limit=RateLimit(2))
    client = TestClient(app, base_url="http://127.0.0.1")
    seen = [client.post(path, json={}).status_code for _ in range(3)]
    assert seen[-1] == 429
    assert 429 not in seen[:2]
    assert "More than 2" in client.post(path, json={}).text


def test_the_prefixes_cover_the_routes_of_programs(app):
    ours = [path for path, _ in all_paths(app) if not path.startswith(("/gradio_api",))]
    assert all(any(path.startswith(prefix) for path in ours) for prefix in PROGRAMS)


def test_visitors_are_counted_apart():
    limit = RateLimit(1)
    limit.take("a", now=0)
    limit.take("b", now=0)
    with pytest.raises(Exception, match="More than 1"):
        limit.take("a", now=1)
    limit.take("a", now=61)


def test_a_real_server_refuses_too(private_address):
    assert httpx.get(f"{private_address}/api/status").status_code == 401
    assert httpx.get(f"{private_address}/api/status", auth=LOGIN).status_code == 200
