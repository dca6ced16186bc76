#!/bin/sh
# dicomweb-client 0.61.2 takes an object for stored that the archive refused, if the answer's type has a parameter: its
# store_instances reads the answer only where Content-Type is "application/dicom+json" to the letter, and else returns an
# empty data set, without a word. Archives may send "application/dicom+json; charset=utf-8", as any HTTP server
# (RFC 9110, 8.3.1). Expected: the same FailedSOPSequence with and without the parameter. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check dicomweb-client==0.61.2 pydicom==3.0.2 numpy==2.2.6
cd "$folder"
cat > refused.py <<'PYTHON'
import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

from dicomweb_client.api import DICOMwebClient
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

REFUSED = {"00081198": {"vr": "SQ", "Value": [{"00081197": {"vr": "US", "Value": [0x0122]}}]}}  # class not supported
kind = ""


class Archive(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        body = json.dumps(REFUSED).encode()
        self.send_response(202)  # some objects were not stored (PS3.18, 10.5.3)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


dataset = Dataset()
dataset.SOPClassUID, dataset.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.2", generate_uid()
dataset.file_meta = FileMetaDataset()
dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
server = HTTPServer(("127.0.0.1", 0), Archive)
Thread(target=server.serve_forever, daemon=True).start()
client = DICOMwebClient(f"http://127.0.0.1:{server.server_address[1]}")
failures = []
for kind in ("application/dicom+json", "application/dicom+json; charset=utf-8"):
    answer = client.store_instances([dataset])
    failures.append(len(answer.get("FailedSOPSequence", [])))
    print(f"{kind}: {failures[-1]} refused")
sys.exit(0 if failures == [1, 0] else 1)
PYTHON
venv/bin/python refused.py
