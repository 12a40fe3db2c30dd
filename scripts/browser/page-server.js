import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { portOf } from "./target.js";

/** @import { IncomingMessage, ServerResponse } from "node:http" */

const ROOT = new URL("../../", import.meta.url);
const PAGE = new URL("page.js", import.meta.url);
const MODULE = /^\/(packages\/\w+\/dist\/[\w/-]+\.js)$/;

/**
 * Serves a page that runs page.js. Bare imports are resolved by the packages' exports for browsers. Any other request, for example
 * for a module of Node.js, fails the page.
 *
 * @param {unknown} start the response to page.js's request for its parameters.
 * @returns {Promise<{ url: string, seen: Promise<unknown>, end: () => Promise<void> }>} `seen`: what page.js reports.
 */
export async function servePage(start) {
  const html = await writePage();
  /** @type {(report: unknown) => void} */
  let report = () => {};
  /** @type {(reason: Error) => void} */
  let fail = () => {};
  const seen = new Promise((resolve, reject) => {
    report = resolve;
    fail = reject;
  });
  seen.catch(() => {});

  /** @type {(request: IncomingMessage, response: ServerResponse) => Promise<void>} */
  const respond = async (request, response) => {
    const requestLine = `${request.method} ${request.url}`;
    const body = await text(request);
    const file = request.url === "/page.js" ? PAGE : moduleFile(request.url ?? "");
    if (requestLine === "GET /") return void response.setHeader("Content-Type", "text/html").end(html);
    if (requestLine === "GET /start") return void response.end(JSON.stringify(start));
    if (requestLine === "POST /seen") report(JSON.parse(body));
    else if (requestLine === "POST /failed") fail(new Error(body));
    else if (file === undefined) fail(new Error(`the page requested ${requestLine}`));
    else {
      const code = await readFile(file);
      return void response.setHeader("Content-Type", "text/javascript").end(code);
    }
    response.end();
  };
  const server = createServer((request, response) => void respond(request, response).catch(fail));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${portOf(server)}/`,
    seen,
    async end() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** @param {string} path */
function moduleFile(path) {
  const file = MODULE.exec(path)?.[1];
  return file === undefined ? undefined : new URL(file, ROOT);
}

async function writePage() {
  const imports = {
    ...(await entriesOf("sdk", ["."])),
    ...(await entriesOf("protocol")),
  };
  return `<!doctype html>
<link rel="icon" href="data:,">
<script>
  const fail = (reason) => fetch("/failed", { method: "POST", body: String(reason) });
  addEventListener("error", (event) => fail(event.message ?? "page.js or a module that it imports did not load"), true);
  addEventListener("unhandledrejection", (event) => fail(event.reason));
</script>
<script type="importmap">${JSON.stringify({ imports })}</script>
<script type="module" src="/page.js"></script>
`;
}

/**
 * @param {string} workspace
 * @param {string[]} [wanted] default: all of them.
 * @returns {Promise<Record<string, string>>} bare import to path.
 */
async function entriesOf(workspace, wanted) {
  const directory = new URL(`packages/${workspace}/`, ROOT);
  /** @type {{ name: string, exports: Record<string, string | { browser: string }> }} */
  const { name, exports } = JSON.parse(await readFile(new URL("package.json", directory), "utf8"));
  return Object.fromEntries(
    (wanted ?? Object.keys(exports)).map((entry) => {
      const found = exports[entry];
      const path = typeof found === "object" ? found.browser : found;
      if (path === undefined) throw new Error(`${name} has no ${entry} for browsers`);
      return [name + entry.slice(1), `/packages/${workspace}/${path.slice(2)}`];
    }),
  );
}
