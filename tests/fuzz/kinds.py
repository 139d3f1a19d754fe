"""The kinds of attacks."""

from tests.fuzz.case import Kind

KINDS = {
    "images": Kind("tests.fuzz.images", share=2),
    "deep": Kind("tests.fuzz.deep"),
    "slices": Kind("tests.fuzz.slices", share=2, seconds=20),
    "json": Kind("tests.fuzz.run_files", seconds=20),
    "flags": Kind("tests.fuzz.flags"),
    "streams": Kind("tests.fuzz.streams"),
    "adopting": Kind("tests.fuzz.adopting", share=2, seconds=60),
    "figures": Kind("tests.fuzz.figures"),
    "names": Kind("tests.fuzz.names"),
    "folders": Kind("tests.fuzz.folders"),
    "requests": Kind("tests.fuzz.requests"),
    "kills": Kind("tests.fuzz.kills", share=3, seconds=600, wait=1800),
}
