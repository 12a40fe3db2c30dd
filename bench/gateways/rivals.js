// The proxies that the service is compared with. A start returns nothing where the proxy is not installed.
import { access, mkdtemp, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort } from "./free-port.js";
import { directory, run, startCommand, startProgram, startUnheard } from "./start.js";

/** @typedef {import("./start.js").Gateway} Gateway */

const FOLDER = fileURLToPath(new URL("rivals", import.meta.url));
const GO_PROGRAM = join(directory, "reverse-proxy");

/** @type {Readonly<Record<string, (target: number) => Promise<Gateway | undefined>>>} */
export const RIVALS = {
  nginx: startNginx,
  "http-proxy": (target) => startPinned("http-proxy", target),
  "fast-proxy": (target) => startPinned("fast-proxy", target),
  "Go's ReverseProxy": (target) => startGo("Go's ReverseProxy", [String(target)]),
  "Go's ReverseProxy with SigV4": (target) =>
    startGo("Go's ReverseProxy with SigV4", [String(target), "sigv4"]),
};

/**
 * Starts a proxy of the separate package, which is installed when it is first wanted.
 *
 * @param {string} name
 * @param {number} target
 */
async function startPinned(name, target) {
  await access(join(FOLDER, "node_modules")).catch(() =>
    run("npm", ["ci", "--no-audit", "--no-fund"], { cwd: FOLDER }),
  );
  return startProgram(name, [join(FOLDER, `${name}.js`), String(target)]);
}

/**
 * Starts the proxy in Go, which is built when it is first wanted.
 *
 * @param {string} name
 * @param {readonly string[]} words
 */
async function startGo(name, words) {
  const isBuilt = await access(GO_PROGRAM).then(() => true, buildGo);
  return isBuilt ? startCommand(name, [GO_PROGRAM, ...words]) : undefined;
}

/** @returns {Promise<boolean>} whether there is a Go to build with */
async function buildGo() {
  // Without modules, nothing is fetched.
  const env = { ...process.env, GO111MODULE: "off" };
  try {
    await run("go", ["build", "-o", GO_PROGRAM, join(FOLDER, "reverse-proxy.go")], { env });
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return false;
    throw error;
  }
}

/**
 * Starts nginx with one worker.
 *
 * @param {number} target
 */
export async function startNginx(target) {
  const prefix = await mkdtemp(join(directory, "nginx-"));
  const port = await freePort();
  const file = join(prefix, "nginx.conf");
  await writeFile(file, nginxConfiguration(prefix, port, target));
  return startUnheard("nginx", ["nginx", "-p", prefix, "-e", join(prefix, "error.log"), "-c", file], {
    port,
  });
}

/**
 * @param {string} prefix
 * @param {number} port
 * @param {number} target
 */
function nginxConfiguration(prefix, port, target) {
  return `daemon off; worker_processes 1; pid ${prefix}/nginx.pid;
events { worker_connections 1024; }
http {
  access_log off; client_body_temp_path ${prefix}/body; proxy_temp_path ${prefix}/proxy;
  fastcgi_temp_path ${prefix}/fastcgi; uwsgi_temp_path ${prefix}/uwsgi; scgi_temp_path ${prefix}/scgi;
  client_max_body_size 0; keepalive_requests 1000000000;
  upstream target { server 127.0.0.1:${target}; keepalive 256; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://target; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_set_header Authorization "replaced"; proxy_buffering off; proxy_request_buffering off;
    }
  }
}
`;
}
