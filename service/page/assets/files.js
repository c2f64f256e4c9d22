// Files and folders that were chosen or dropped, as a flat list of {file, folder}.
//
// `folder` is the name of the folder that a photo lies in, "" for a photo by itself.

const PHOTO = /\.(jpe?g|png|webp|hei[cf]|avif|gif|bmp)$/i;

const isPhoto = (file) => file.type.startsWith("image/") || PHOTO.test(file.name);

export function chosenFiles(list) {
  return [...list].filter((file) => !file.webkitRelativePath || isPhoto(file)).map((file) => ({ file, folder: file.webkitRelativePath.split("/").at(-2) || "" }));
}

// Must be called while the drop is handled: what it holds is gone afterwards.
export async function droppedFiles(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.());
  if (!entries.some((entry) => entry?.isDirectory)) return chosenFiles(transfer.files);
  const found = await Promise.all(entries.filter(Boolean).map((entry) => walk(entry, "")));
  return found.flat();
}

async function walk(entry, folder) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => { entry.file(resolve, reject); });
    return isPhoto(file) ? [{ file, folder }] : [];
  }
  const found = await Promise.all((await children(entry)).map((child) => walk(child, entry.name)));
  return found.flat();
}

// A reader gives some hundred entries at a time, and none at the end.
async function children(entry) {
  const reader = entry.createReader();
  const all = [];
  for (;;) {
    const some = await new Promise((resolve, reject) => { reader.readEntries(resolve, reject); });
    if (!some.length) return all;
    all.push(...some);
  }
}
