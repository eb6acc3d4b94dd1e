#!/usr/bin/env node
// The `lares` command: the bundle in dist/, which `npm start`, `npm test` and the package's publication build.
import "../dist/lares.js";
