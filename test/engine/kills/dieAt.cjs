// Loaded before the program: ends it, as a power cut would, where a durable write stands at a named point.
const { subscribe } = require("node:diagnostics_channel");

const { point, file, nth } = JSON.parse(process.env.DIE_AT);
let reached = 0;
subscribe("graft:replace", (message) => {
  if (message.point !== point || !message.file.endsWith(file)) return;
  if (++reached === nth) process.kill(process.pid, "SIGKILL");
});
