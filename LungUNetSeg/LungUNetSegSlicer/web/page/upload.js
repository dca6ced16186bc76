// Sends files to the server, and finds the files in a dropped folder.

export function upload(files, query, onShare) {
  const form = new FormData();
  for (const file of files) form.append("file", file, file.pathGiven || file.webkitRelativePath || file.name);
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open("POST", `upload?${new URLSearchParams(query)}`);
    request.upload.onprogress = (event) => event.lengthComputable && onShare(event.loaded / event.total);
    request.onload = () => {
      if (request.status === 200) return resolve("");
      try { resolve(JSON.parse(request.responseText).error); } catch { resolve(request.responseText || "The server did not take the files. Try again."); }
    };
    request.onerror = () => resolve("The upload broke off. Check the network, and that the files are still there; then upload them again.");
    request.send(form);
  });
}

export async function dropped(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return [...transfer.files];
  const files = [];
  for (const entry of entries) await gather(entry, files);
  return files;
}

async function gather(entry, files) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    file.pathGiven = (entry.fullPath || "").replace(/^\//, "");  // of a dropped file its folder is known here only
    return files.push(file);
  }
  const reader = entry.createReader();
  for (;;) {  // a reader gives a hundred entries at a time
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return;
    for (const each of some) await gather(each, files);
  }
}
