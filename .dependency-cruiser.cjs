/**
 * Walls between rooms, made from layers.json: imports go down only, through faces, never in circles.
 * Walls between the inner rooms of a room, made from inner-layers.json: imports go down only. Inner rooms have no faces.
 * Checked by `npm run check:walls`; each wall has a planted violation in test/house/walls.test.ts.
 * Not here: what the rooms are (docs/designs/0001).
 */
const layers = require("./layers.json");
const innerLayers = require("./inner-layers.json");

/** Rooms in which each sub-folder is a room of its own. */
const roomsOfRooms = ["controllers"];
/** npm packages and the one folder that may import each; `main` may import all. */
const owners = {
  "@photostructure/sqlite": "src/storage",
  "@peculiar/x509": "src/apiserver/certificates",
  "reflect-metadata": "src/apiserver/certificates",
  "prom-client": "src/main",
  pino: "src/main",
  commander: "src/main",
};
const tests = "\\.test\\.ts$|\\.prop\\.test\\.ts$|^src/testing/";

const downwards = Object.entries(layers)
  .filter(([, below]) => !below.includes("*"))
  .map(([room, below]) => ({
    name: `down-from-${room}`,
    comment: `${room} may import ${below.join(", ") || "nothing"}`,
    severity: "error",
    from: { path: `^src/${room}/`, pathNot: tests },
    to: { path: "^src/", pathNot: `^src/(${[room, ...below].join("|")})/` },
  }));

const faces = Object.keys(layers).map((room) =>
  roomsOfRooms.includes(room)
    ? {
        name: `face-of-${room}`,
        comment: `each folder in ${room} is a room: others import its index.ts only`,
        severity: "error",
        from: { path: `^src/([^/]+/[^/]+)`, pathNot: tests },
        to: { path: `^src/${room}/([^/]+)/`, pathNot: [`^src/${room}/[^/]+/index\\.ts$`, "^src/$1/"] },
      }
    : {
        name: `face-of-${room}`,
        comment: `others import src/${room}/index.ts only`,
        severity: "error",
        from: { path: "^src/", pathNot: [`^src/${room}/`, tests] },
        to: { path: `^src/${room}/`, pathNot: `^src/${room}/index\\.ts$` },
      },
);

/** The files that lie directly in a room with inner rooms stand above them all. */
const inner = Object.entries(innerLayers).flatMap(([room, rooms]) => [
  ...Object.entries(rooms).map(([name, below]) => ({
    name: `down-from-${room}-${name}`,
    comment: `${room}/${name} may import ${below.join(", ") || "nothing"} of ${room}`,
    severity: "error",
    from: { path: `^src/${room}/${name}/`, pathNot: tests },
    to: { path: `^src/${room}/`, pathNot: `^src/${room}/(${[name, ...below].join("|")})/` },
  })),
  {
    name: `inner-rooms-of-${room}`,
    comment: `a folder in ${room} is an inner room that inner-layers.json names`,
    severity: "error",
    from: { path: "^src/" },
    to: { path: `^src/${room}/[^/]+/`, pathNot: `^src/${room}/(${Object.keys(rooms).join("|")})/` },
  },
]);

const siblings = {
  name: "controllers-import-no-sibling",
  comment: "rooms on one line never import each other",
  severity: "error",
  from: { path: "^src/controllers/([^/]+)/", pathNot: tests },
  to: { path: "^src/controllers/", pathNot: "^src/controllers/$1/" },
};

/** Makers of the agent's seams are folders in agent/runtime; only the files directly in agent choose one (docs/designs/0006). */
const makers = [
  {
    name: "agent-knows-no-maker",
    comment: "node, pods and the seams work over any runtime",
    severity: "error",
    from: { path: "^src/agent/[^/]+/", pathNot: ["^src/agent/runtime/[^/]+/", tests] },
    to: { path: "^src/agent/runtime/[^/]+/" },
  },
  {
    name: "makers-import-no-sibling",
    comment: "one runtime never stands on another",
    severity: "error",
    from: { path: "^src/agent/runtime/([^/]+)/", pathNot: tests },
    to: { path: "^src/agent/runtime/[^/]+/", pathNot: "^src/agent/runtime/$1/" },
  },
];

const owned = Object.entries(owners).map(([name, folder]) => ({
  name: `owner-of-${name.replace(/\W+/g, "-")}`,
  comment: `${name} is imported in ${folder} only`,
  severity: "error",
  from: { path: "^src/", pathNot: [`^${folder}/`, "^src/main/", tests] },
  to: { path: `node_modules/${name}/` },
}));

module.exports = {
  forbidden: [
    ...downwards,
    ...faces,
    ...inner,
    siblings,
    ...makers,
    ...owned,
    {
      name: "pure",
      comment: "pure rooms import no module of Node",
      severity: "error",
      from: { path: "^src/(base|machinery|api)/|^src/controllers/[^/]+/plan\\.ts$", pathNot: tests },
      to: { dependencyTypes: ["core"] },
    },
    { name: "no-circles", severity: "error", from: { path: "^src/" }, to: { circular: true } },
    {
      name: "testing-is-for-tests",
      severity: "error",
      from: { path: "^src/", pathNot: tests },
      to: { path: "^src/testing/" },
    },
    { name: "resolvable", severity: "error", from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    parser: "swc",
    tsPreCompilationDeps: true,
    doNotFollow: { path: "node_modules" },
    moduleSystems: ["es6"],
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "node", "default"],
      extensions: [".ts", ".mjs", ".js"],
    },
  },
};
