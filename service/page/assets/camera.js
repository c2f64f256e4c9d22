// The webcam: a live picture in a dialog, one shot of it as a file, and the camera is off again.

import { byId } from "./common.js";

const REFUSED = {
  NotAllowedError: "The camera was not allowed. Allow it for this page in the browser's address bar, or choose a photo instead.",
  NotFoundError: "No camera was found. Connect one, or choose a photo instead.",
  NotReadableError: "Another program is using the camera. Close it there, or choose a photo instead.",
};
const INSECURE = "The browser gives the camera only to pages on this computer (localhost) or over HTTPS. Choose a photo instead.";

// Opens the dialog; `taken(file)` is called with the photo, if one is taken.
export async function openCamera(taken) {
  const dialog = byId("camera");
  const video = byId("camera-video");
  const shot = byId("camera-shot");
  video.hidden = true;
  shot.disabled = true;
  dialog.showModal();
  if (!navigator.mediaDevices?.getUserMedia) {
    byId("camera-says").textContent = INSECURE;
    return;
  }
  byId("camera-says").textContent = "Waiting for the camera …";
  let stream = null;
  const stop = () => {
    for (const track of stream?.getTracks() || []) track.stop();
    video.srcObject = null;
  };
  dialog.addEventListener("close", stop, { once: true });
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "user", width: { ideal: 1280 } }, audio: false });
  } catch (error) {
    byId("camera-says").textContent = REFUSED[error.name] || `The camera cannot be used: ${error.message}`;
    return;
  }
  if (!dialog.open) return stop(); // closed while it was waiting
  byId("camera-says").textContent = "";
  video.srcObject = stream;
  video.hidden = false;
  await video.play();
  shot.disabled = false;
  shot.focus();
  shot.onclick = async () => {
    shot.disabled = true;
    const file = await take(video);
    dialog.close();
    taken(file);
  };
}

function take(video) {
  const canvas = document.createElement("canvas");
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext("2d").drawImage(video, 0, 0);
  return new Promise((resolve) => {
    canvas.toBlob((blob) => resolve(new File([blob], "camera.jpg", { type: "image/jpeg" })), "image/jpeg", 0.92);
  });
}
