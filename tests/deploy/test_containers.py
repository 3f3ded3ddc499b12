"""Image, compose file and Kubernetes manifests: judged by others where they are here, else by rules."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from api.settings import Settings
from tests.support import foreign
from tests.support.deployment import DEPLOY
from tests.support.foreign import oracle

ROOT = DEPLOY.parent
MINISTRIES = {"us": "us-treasury", "uk": "uk-fcdo", "ca": "ca-gac"}
KNOWN = {f"COMITY_{name.upper()}" for name in Settings.model_fields}


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, check=False, capture_output=True, text=True)


# --- image ---------------------------------------------------------------------------------------


def instructions() -> list[tuple[str, str]]:
    text = re.sub(r"\\\n\s*", " ", (DEPLOY / "Containerfile").read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1].strip()) for line in lines]


@foreign.needs("hadolint")
def test_hadolint_has_no_complaint() -> None:
    result = run(oracle("hadolint"), str(DEPLOY / "Containerfile"))
    assert result.returncode == 0, result.stdout


def test_everything_the_image_copies_exists_and_reaches_the_builder() -> None:
    allowed = {
        line.removeprefix("!")
        for line in (DEPLOY / "Containerfile.dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    copied = [
        source
        for name, rest in instructions()
        if name == "COPY" and "--from" not in rest
        for source in rest.split()[:-1]
    ]
    assert set(copied) == allowed
    for source in copied:
        assert (ROOT / source).exists(), source


def test_image_runs_as_a_number_that_is_not_root_and_installs_by_hash() -> None:
    found = instructions()
    assert [rest for name, rest in found if name == "USER"] == ["10001:10001"]
    installs = [rest for name, rest in found if name == "RUN" and "pip install" in rest]
    assert all("--require-hashes" in rest or "--no-deps" in rest for rest in installs)
    assert [rest for name, rest in found if name == "ENTRYPOINT"] == ['["comity"]']
    assert all("://" not in rest for _, rest in found)


# --- compose -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return content


@foreign.needs("check-jsonschema")
def test_compose_file_fits_the_specification() -> None:
    schema = "--builtin-schema=vendor.compose-spec"
    result = run(oracle("check-jsonschema"), schema, str(DEPLOY / "compose.yaml"))
    assert result.returncode == 0, result.stdout


@foreign.needs("check-jsonschema")
def test_compose_specification_refuses_a_broken_file(tmp_path: Path) -> None:
    broken = tmp_path / "compose.yaml"
    broken.write_text((DEPLOY / "compose.yaml").read_text().replace("read_only:", "readonly:"))
    result = run(oracle("check-jsonschema"), "--builtin-schema=vendor.compose-spec", str(broken))
    assert result.returncode != 0


def test_every_ministry_has_the_same_five_services(compose: dict[str, Any]) -> None:
    parts = ("database", "migrate", "app", "worker", "proxy")
    assert set(compose["services"]) == {f"{m}-{part}" for m in MINISTRIES for part in parts}
    shapes = []
    for short, ministry in MINISTRIES.items():
        text = yaml.safe_dump({part: compose["services"][f"{short}-{part}"] for part in parts})
        text = text.replace(ministry, "M").replace(f"{short}-", "m-")
        text = text.replace(f"COMITY_{short.upper()}_", "COMITY_S_")
        shapes.append(re.sub(r"127\.0\.0\.1:\d+", "PORT", text))
    assert shapes[0] == shapes[1] == shapes[2]


def test_services_are_hardened_and_kept_apart(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert not service["user"].startswith(("0", "root")), name
        short = name.split("-")[0]
        assert set(service["networks"]) <= {f"{short}-inside", "border"}, name
        if name.endswith(("-database", "-migrate")):
            assert list(service["networks"]) == [f"{short}-inside"], name
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), name
    for short in MINISTRIES:
        assert compose["networks"][f"{short}-inside"] == {"internal": True}


def test_compose_names_only_what_exists(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        for file in service.get("env_file", []):
            assert (DEPLOY / file).is_file(), name
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("./"):
                assert (DEPLOY / source).is_file(), name
            elif not source.startswith("$"):
                assert source in compose["volumes"], name
        assert set(service.get("secrets", [])) <= set(compose["secrets"]), name
        assert set(service.get("depends_on", {})) <= set(compose["services"]), name
        if name.endswith(("-app", "-worker", "-migrate")):
            assert set(service["environment"]) <= KNOWN, name


def test_no_secret_value_is_in_the_files(compose: dict[str, Any]) -> None:
    assert all(set(secret) == {"file"} for secret in compose["secrets"].values())
    assert all(
        secret["file"].startswith("${COMITY_REHEARSAL}") for secret in compose["secrets"].values()
    )
    for path in [DEPLOY / "compose.yaml", *(DEPLOY / "kubernetes").iterdir()]:
        assert not re.search(r"(?im)^\s*kind: Secret\b|password: *[^ {]|BEGIN", path.read_text()), (
            path
        )


@foreign.needs("openssl")
def test_rehearsal_is_prepared_with_certificates_that_verify(tmp_path: Path) -> None:
    home = tmp_path / "rehearsal"
    openssl = oracle("openssl")
    assert run("sh", str(DEPLOY / "compose/prepare.sh"), str(home)).returncode == 0
    for ministry in MINISTRIES.values():
        tls = home / ministry / "tls"
        for name, purpose in (("server", "sslserver"), ("client", "sslclient")):
            trust = ["-CAfile", str(tls / "partners-ca.pem"), "-purpose", purpose]
            assert run(openssl, "verify", *trust, str(tls / f"{name}.pem")).returncode == 0
        wrong = ["-CAfile", str(tls / "partners-ca.pem"), "-purpose", "sslserver"]
        assert run(openssl, "verify", *wrong, str(tls / "client.pem")).returncode != 0
        for secret in ("keystore-passphrase", "pgpass", "database-password", "tls/server.key"):
            assert (home / ministry / secret).stat().st_mode & 0o077 == 0
        assert len((home / ministry / "keystore-passphrase").read_text().strip()) >= 40
    assert len({(home / m / "pgpass").read_text()[-49:] for m in MINISTRIES.values()}) == 3
    again = run("sh", str(DEPLOY / "compose/prepare.sh"), str(home))
    assert again.returncode == 1


# --- Kubernetes ----------------------------------------------------------------------------------


def manifests() -> Iterator[dict[str, Any]]:
    listed = yaml.safe_load((DEPLOY / "kustomization.yaml").read_text())["resources"]
    for name in listed:
        yield from yaml.safe_load_all((DEPLOY / name).read_text())


def of_kind(kind: str) -> dict[str, dict[str, Any]]:
    return {each["metadata"]["name"]: each for each in manifests() if each["kind"] == kind}


def pods() -> dict[str, dict[str, Any]]:
    return {
        name: each["spec"]["template"]
        for kind in ("Deployment", "Job")
        for name, each in of_kind(kind).items()
    }


@foreign.needs("kubernetes-validate")
def test_manifests_fit_the_kubernetes_schemas() -> None:
    files = [str(path) for path in (DEPLOY / "kubernetes").glob("*.yaml")]
    result = run(oracle("kubernetes-validate"), "--strict", *files)
    assert result.returncode == 0, result.stdout
    assert result.stdout.count("passed for resource") == len(list(manifests()))


@foreign.needs("kubernetes-validate")
def test_kubernetes_schemas_refuse_a_broken_manifest(tmp_path: Path) -> None:
    broken = tmp_path / "app.yaml"
    text = (DEPLOY / "kubernetes/app.yaml").read_text()
    broken.write_text(text.replace("readOnlyRootFilesystem", "readOnlyRootFileSystem"))
    assert run(oracle("kubernetes-validate"), "--strict", str(broken)).returncode != 0


@foreign.needs("kubectl")
def test_kustomize_builds_it() -> None:
    result = run(oracle("kubectl"), "kustomize", str(DEPLOY))
    assert result.returncode == 0, result.stderr
    built = list(yaml.safe_load_all(result.stdout))
    edge = next(each for each in built if each["metadata"]["name"].startswith("comity-edge-"))
    assert edge["data"]["default.conf"] == (DEPLOY / "nginx/comity.conf").read_text()
    assert {each["metadata"].get("namespace") for each in built if each["kind"] != "Namespace"} == {
        "comity"
    }


def test_every_manifest_is_listed() -> None:
    listed = yaml.safe_load((DEPLOY / "kustomization.yaml").read_text())["resources"]
    present = [f"kubernetes/{path.name}" for path in (DEPLOY / "kubernetes").glob("*.yaml")]
    assert sorted(listed) == sorted(present)


def test_pods_meet_the_restricted_standard() -> None:
    for name, template in pods().items():
        spec = template["spec"]
        assert spec["automountServiceAccountToken"] is False, name
        assert spec["securityContext"]["runAsNonRoot"] is True, name
        assert spec["securityContext"]["runAsUser"] > 0, name
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        for container in spec["containers"] + spec.get("initContainers", []):
            context = container["securityContext"]
            assert context["readOnlyRootFilesystem"] is True, name
            assert context["allowPrivilegeEscalation"] is False, name
            assert context["capabilities"] == {"drop": ["ALL"]}, name
            assert container["resources"]["limits"]["memory"], name


def test_mounts_have_volumes_and_the_volumes_are_used() -> None:
    for name, template in pods().items():
        spec = template["spec"]
        volumes = {volume["name"] for volume in spec["volumes"]}
        mounts = {
            mount["name"]
            for container in spec["containers"] + spec.get("initContainers", [])
            for mount in container["volumeMounts"]
        }
        assert volumes == mounts, name


def matches(selector: dict[str, str], labels: dict[str, str]) -> bool:
    return selector.items() <= labels.items()


def test_selectors_find_their_pods() -> None:
    labels = {name: template["metadata"]["labels"] for name, template in pods().items()}
    for name, deployment in of_kind("Deployment").items():
        assert deployment["spec"]["selector"]["matchLabels"] == labels[name]
        assert deployment["spec"]["replicas"] >= 2, name
    for kind in ("Service", "PodDisruptionBudget"):
        for name, each in of_kind(kind).items():
            selector = each["spec"]["selector"]
            selector = selector.get("matchLabels", selector)
            assert [pod for pod, own in labels.items() if matches(selector, own)] == [name]
    assert set(of_kind("PodDisruptionBudget")) == set(of_kind("Deployment"))


def test_network_is_closed_unless_opened() -> None:
    policies = of_kind("NetworkPolicy")
    denied = policies["comity-deny-all"]["spec"]
    assert denied == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    for name, policy in policies.items():
        spec = policy["spec"]
        for direction in ("ingress", "egress"):
            for rule in spec.get(direction, []):
                assert rule["ports"], name
                assert name == "comity-edge" or rule.get("from") or rule.get("to"), name
    outside = policies["comity-outside"]["spec"]["egress"][0]["to"]
    assert "169.254.0.0/16" in outside[0]["ipBlock"]["except"]


def test_settings_of_the_cluster_are_known_and_complete() -> None:
    data = of_kind("ConfigMap")["comity-settings"]["data"]
    required = {
        f"COMITY_{name.upper()}"
        for name, field in Settings.model_fields.items()
        if field.is_required()
    }
    assert required <= set(data) <= KNOWN
    assert all(isinstance(value, str) for value in data.values())
    assert data["COMITY_JOBS"] == "false"
    assert data["COMITY_DATABASE_URL"].startswith("postgresql+psycopg://")
    assert data["COMITY_STORE"].startswith("s3://")


@pytest.mark.parametrize(
    "upstream", ["nginx/upstream.conf", "kubernetes/upstream.conf", "compose/us-upstream.conf"]
)
def test_every_proxy_has_its_upstream_and_log(upstream: str) -> None:
    text = (DEPLOY / upstream).read_text()
    assert len(re.findall(r"(?m)^upstream comity \{$", text)) == 1
    assert len(re.findall(r"(?m)^access_log \S+ comity;$", text)) == 1
