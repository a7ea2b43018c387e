// Stands in for @vscode/spdlog, VS Code's log files, whose native code comes without a binary.
const fs = require("node:fs");
const path = require("node:path");

const LEVELS = ["trace", "debug", "info", "warning", "error", "critical"];

class Logger {
  constructor(file) {
    this.level = LEVELS.indexOf("info");
    this.raw = false;
    fs.mkdirSync(path.dirname(file), { recursive: true });
    this.fd = fs.openSync(file, "a");
  }

  write(level, message) {
    if (level < this.level || this.fd === undefined) return;
    const line = `${new Date().toISOString()} [${LEVELS[level]}] ${message}\n`;
    try {
      fs.writeSync(this.fd, this.raw ? String(message) : line);
    } catch {
      // The profile is gone: the test run is over.
    }
  }

  trace = (message) => this.write(0, message);
  debug = (message) => this.write(1, message);
  info = (message) => this.write(2, message);
  warn = (message) => this.write(3, message);
  error = (message) => this.write(4, message);
  critical = (message) => this.write(5, message);

  getLevel() {
    return this.level;
  }

  setLevel(level) {
    this.level = level;
  }

  setPattern() {}

  clearFormatters() {
    this.raw = true;
  }

  flush() {}

  drop() {
    if (this.fd !== undefined) fs.closeSync(this.fd);
    this.fd = undefined;
  }
}

exports.version = 0;
exports.Logger = Logger;
exports.setLevel = () => {};
exports.setFlushOn = () => {};
exports.createRotatingLogger = async (_name, file) => new Logger(file);
exports.createAsyncRotatingLogger = exports.createRotatingLogger;
