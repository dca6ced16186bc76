#!/bin/sh
# dicomweb-client 0.11.3 (of npm) refuses the transfer syntax that it offers to ask for: retrieveInstance,
# retrieveSeries and retrieveStudy take mediaTypes, "acceptable media types and optionally the UIDs of the
# corresponding transfer syntaxes", and with application/dicom, the one type of these, end with "Media type
# application/ is not supported". They cut the type to its first half and compare that with "application/dicom".
# Without mediaTypes the server is asked for application/dicom, by the standard uncompressed, so a compressed file can
# be had only by a header of one's own. Expected: an Accept header with transfer-syntax=1.2.840.10008.1.2.4.80. Needs
# Node.js. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --cache "$folder/cache" dicomweb-client@0.11.3 >"$folder/npm"
cat >"$folder/run.js" <<'JAVASCRIPT'
const { api } = require("dicomweb-client");

console.log(`dicomweb-client ${require("dicomweb-client/package.json").version}, Node.js ${process.version}`);
const client = new api.DICOMwebClient({ url: "http://localhost" });
const uids = { studyInstanceUID: "1.2", seriesInstanceUID: "1.2.3", sopInstanceUID: "1.2.3.4" };
const mediaTypes = [{ mediaType: "application/dicom", transferSyntaxUID: "1.2.840.10008.1.2.4.80" }];

// What a call asks for: the Accept header of the request, which is not sent.
function asked(name, options) {
    let accept;
    const instance = { open() {}, send() {}, setRequestHeader(field, value) { accept = value; } };
    try {
        client[name]({ ...uids, ...options, request: { instance } });
    } catch (error) {
        return error.message;
    }
    return accept;
}

const found = ["retrieveInstance", "retrieveSeries", "retrieveStudy"].map(name => {
    console.log(`${name}: ${asked(name, {})}`);
    const message = asked(name, { mediaTypes });
    console.log(`   of JPEG-LS: ${message}`);
    return message;
});
process.exit(found.every(message => message.startsWith("Media type application/ is not supported")) ? 0 : 1);
JAVASCRIPT
node "$folder/run.js"
