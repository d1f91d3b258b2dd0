"""Exports a run to a real receiver of OTLP and looks at what arrives: `receive.py DSLC`, from `cargo xtask test --all`."""

import asyncio
import os
import subprocess
import sys
import tempfile

from oteltap import OtelTapHttpProtobufReceiver, OtelTapHttpProtobufReceiverSettings

SECRET = "otlp-s3cret/value"
PLAN = """\
plan observed
  secrets:
    token: env("TOKEN")
  failure: continue
  task first
    env:
      TOKEN: secrets.token
    run: |
      printenv TOKEN >&2
      exit 3
    retry: immediate(max: 1)
    optional: true
  task many
    each: i in ["a", "b", "c"] by i
    input:
      i: i
    run: "sleep 0.05"
"""


def main(dslc):
    port = free_port()
    settings = OtelTapHttpProtobufReceiverSettings(http_port=port)
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "p.plan"), "w") as plan:
            plan.write(PLAN)
        env = {**os.environ, "TOKEN": SECRET}
        subprocess.run([dslc, "run", "p.plan", "--quiet"], cwd=folder, env=env, check=True)
        spans, metrics = asyncio.run(receive(settings, [dslc, "export", "last", "--otlp", f"http://127.0.0.1:{port}"], folder))
    look(spans, metrics)
    print(f"received {len(spans)} spans and {len(metrics)} metrics, all as they should be")


def free_port():
    import socket

    with socket.socket() as it:
        it.bind(("127.0.0.1", 0))
        return it.getsockname()[1]


async def receive(settings, export, folder):
    spans, metrics = [], []
    async with OtelTapHttpProtobufReceiver(settings) as receiver:
        async def collect(stream, into):
            async for item in stream:
                into.append(item)

        tasks = [
            asyncio.create_task(collect(receiver.stream_traces(), spans)),
            asyncio.create_task(collect(receiver.stream_metrics(), metrics)),
        ]
        sent = await asyncio.to_thread(subprocess.run, export, cwd=folder, capture_output=True, text=True)
        assert sent.returncode == 0, sent.stderr
        for _ in range(100):
            if len(spans) >= 8 and len(metrics) >= 5:
                break
            await asyncio.sleep(0.1)
        for task in tasks:
            task.cancel()
    return spans, metrics


def look(spans, metrics):
    names = sorted(span.name for span in spans)
    assert names == ["first", "first #1", "first #2", "many", "many[a] #1", "many[b] #1", "many[c] #1", "observed"], names
    by_id = {span.span_id: span for span in spans}
    assert len({span.trace_id for span in spans}) == 1
    for span in spans:
        parent = by_id.get(span.parent_span_id)
        assert span.name == "observed" or parent is not None, span.name
        assert span.end_time_unix_nano >= span.start_time_unix_nano
        if parent is not None:
            assert parent.start_time_unix_nano <= span.start_time_unix_nano, span.name
    root = next(span for span in spans if span.name == "observed")
    assert by_id[next(span for span in spans if span.name == "many[b] #1").parent_span_id].name == "many"
    failed = next(span for span in spans if span.name == "first #2")
    assert failed.status.code == 2 and "exit 3" in failed.status.message, failed
    attributes = {item.key: item.value.string_value for item in root.attributes}
    assert attributes["dslc.run.status"] == "completed", attributes
    assert {metric.name for metric in metrics} == {
        "dslc.run.duration", "dslc.node.duration", "dslc.attempts", "dslc.cost", "dslc.tokens",
    }
    everything = b"".join(item.SerializeToString() for item in [*spans, *metrics])
    assert SECRET.encode() not in everything
    assert b"[secret:token]" in everything, "the message of the failure names the secret"


main(sys.argv[1])
