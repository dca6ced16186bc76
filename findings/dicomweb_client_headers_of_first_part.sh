#!/bin/sh
# dicomweb-client 0.11.3 (of npm), which web viewers fetch with, gives each part of a multipart answer the headers of
# the first, which it reads once. Of a series whose images are stored in two transfer syntaxes, fetched as they are
# stored (transfer-syntax=*; each part of the answer has its own Content-Type), the second image, in JPEG-LS, has the
# transferSyntaxUID of uncompressed data and the Content-Location of the first. The library's text says that each item
# "shall have a contentType value, and a transferSyntaxUID if available, as well as the headers Map"; a TODO in the
# source knows of it. Expected: each part's own headers. Needs Node.js. Ends with 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --cache "$folder/cache" dicomweb-client@0.11.3 >"$folder/npm"
cat >"$folder/run.js" <<'JAVASCRIPT'
const { api } = require("dicomweb-client");

console.log(`dicomweb-client ${require("dicomweb-client/package.json").version}, Node.js ${process.version}`);
const parts = [["1.2.840.10008.1.2.1", "/instances/1"], ["1.2.840.10008.1.2.4.80", "/instances/2"]];
const lines = parts.map(([syntax, place], number) => ["--part",
    `Content-Type: application/dicom; transfer-syntax=${syntax}`, `Content-Location: ${place}`, "",
    `file ${number + 1}`, ""].join("\r\n"));

// A browser's request, which gets the two parts as its answer.
const instance = {
    open() {}, setRequestHeader() {}, getAllResponseHeaders: () => "",
    getResponseHeader: () => 'multipart/related; type="application/dicom"; boundary=part',
    send() {
        const response = new Uint8Array(Buffer.from(`${lines.join("")}--part--\r\n`)).buffer;
        Object.assign(this, { readyState: 4, status: 200, response }).onreadystatechange();
    },
};

async function run() {
    const headers = { Accept: 'multipart/related; type="application/dicom"; transfer-syntax=*' };
    const client = new api.DICOMwebClient({ url: "http://localhost", headers });
    const series = { studyInstanceUID: "1.2", seriesInstanceUID: "1.2.3" };
    const files = await client.retrieveSeries({ ...series, request: { instance } });
    const found = files.map(file => [file.transferSyntaxUID, file.headers.get("content-location")[0]].join(" "));
    files.forEach((file, i) => console.log(`${Buffer.from(file)}: ${found[i]}, expected ${parts[i].join(" ")}`));
    process.exit(found.length === 2 && found.every(read => read === parts[0].join(" ")) ? 0 : 1);
}
run();
JAVASCRIPT
node "$folder/run.js"
