"""The other side of the configuration comparison: the Python SDK's temporalio.envconfig.

usage: config_peer.py CASES     reads a JSON list of cases {"file": path or null, "env": {...},
"profile": name or null, "strict": bool, "no_file": bool, "no_env": bool}, and prints a JSON list
of what each gives: {"error": text}, or the options of the Lua client, with "codec" as it is.
"""

import json
import sys
from pathlib import Path

from temporalio import envconfig

# Certificates are compared by where they come from, not by what a file holds.
envconfig._read_source = lambda source: source

NAMES = {"server_root_ca_cert": "ca", "client_cert": "cert", "client_private_key": "key"}


def tls_options(tls, raw):
    """The tls option: True or False as in Python, and a TLSConfig as its table."""
    if isinstance(tls, bool):
        return tls
    table = {}
    for name, short in NAMES.items():
        source = getattr(tls, name)
        # The path "" is Path("."): an empty path or text is none.
        if isinstance(source, Path) and source != Path(""):
            table[short + "_file"] = str(source)
        elif isinstance(source, bytes) and source:
            table[short + "_pem"] = source.decode("utf-8")
    if tls.domain:
        table["server_name"] = tls.domain
    # Python's own classes leave this out; its core reads it.
    if raw["tls"]["disable_host_verification"]:
        table["verify"] = False
    # What Python says when it connects, Lua says when it loads.
    if any("cert_" + kind in table for kind in ("file", "pem")) != any(
            "key_" + kind in table for kind in ("file", "pem")):
        raise ValueError("Must have both client cert and private key or neither")
    return table or True


def answer(case):
    path = case.get("file")
    profile = envconfig.ClientConfigProfile.load(
        case.get("profile"), config_source=Path(path) if path else None,
        disable_file=case.get("no_file", False), disable_env=case.get("no_env", False),
        config_file_strict=case.get("strict", False), override_env_vars=case["env"])
    raw = envconfig._bridge_envconfig.load_client_connect_config(
        profile=case.get("profile"), path=path, data=None,
        disable_file=case.get("no_file", False), disable_env=case.get("no_env", False),
        config_file_strict=case.get("strict", False), env_vars=case["env"])
    given = profile.to_client_connect_config()
    options = {
        "target": given.get("target_host"), "namespace": given.get("namespace"),
        "api_key": given.get("api_key"), "metadata": given.get("rpc_metadata"),
        "codec": raw.get("codec"),
    }
    if "tls" in given and (profile.tls is not None or given.get("api_key")):
        options["tls"] = tls_options(given["tls"], raw)
    # An empty text is none in Lua, as in Go.
    return {name: value for name, value in options.items() if value not in (None, "")}


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        cases = json.load(file)
    answers = []
    for case in cases:
        try:
            answers.append(answer(case))
        except (RuntimeError, ValueError) as error:
            answers.append({"error": str(error)})
    print(json.dumps(answers))


main()
