import { randomBytes } from "node:crypto";
import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeAll, expect, test, vi } from "vitest";
import { parseAllDocuments } from "yaml";
import { parseContainerFile } from "../../../testkit/src/container-file.ts";
import { readConfig } from "../../../testkit/src/build-container.ts";
import { freePort } from "../../../testkit/src/free-port.ts";
import { runMembrane, spawnMembrane } from "../../../testkit/src/process.ts";
import { run } from "../../../testkit/src/run.ts";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import { createTestDatabase } from "../../../testkit/src/test-database.ts";
import { makeCertificate } from "../../../testkit/src/tls-target.ts";
import { readCommandLine } from "../../src/cli.ts";

const ROOT = fileURLToPath(new URL("../../../../", import.meta.url));
const FOLDER = join(ROOT, "deploy/kubernetes");

/** Where the type of each kind is. */
const MODULES: Readonly<Record<string, string>> = {
  Deployment: "apps/v1",
  Service: "core/v1",
  Secret: "core/v1",
  PodDisruptionBudget: "policy/v1",
  NetworkPolicy: "networking/v1",
};

async function readManifests(file: string): Promise<readonly any[]> {
  const text = await readFile(join(FOLDER, file), "utf8");
  return parseAllDocuments(text).map((document) => document.toJS() as unknown);
}

const manifests = await readManifests("membrane.yaml");
const [secret] = await readManifests("secret.example.yaml");
const ofKind = (kind: string): any => manifests.find((manifest) => manifest.kind === kind);
const pod = ofKind("Deployment").spec.template.spec;
const [container] = pod.containers;
const labels = ofKind("Deployment").spec.template.metadata.labels;

/** The variables of the image and of the manifest, those from the secret included. */
async function variables(secrets: Readonly<Record<string, string>>): Promise<Record<string, string>> {
  const image = readConfig(
    parseContainerFile(await readFile(join(ROOT, "deploy/container/Containerfile"), "utf8")),
  );
  const own = container.env.map(({ name, value, valueFrom }: any) => [
    name,
    value ?? secrets[valueFrom.secretKeyRef.key],
  ]);
  return { ...image.env, ...Object.fromEntries(own) };
}

/** Compares manifests with the types of Kubernetes, in which an unknown field is an error. @returns what the compiler says. */
async function checkTypes(all: readonly any[]): Promise<string> {
  await using directory = await temporaryDirectory();
  await symlink(join(ROOT, "node_modules"), join(directory.path, "node_modules"));
  const lines = all.map(
    (manifest, index) =>
      `export const manifest${index}: import("kubernetes-types/${MODULES[manifest.kind]}").${manifest.kind} = ${JSON.stringify(manifest)};`,
  );
  await writeFile(join(directory.path, "manifests.ts"), lines.join("\n"));
  const options = "--noEmit --strict --skipLibCheck --types --module esnext --moduleResolution bundler".split(
    " ",
  );
  const compiler = join(ROOT, "node_modules/typescript/bin/tsc");
  const words = [compiler, ...options, "manifests.ts"];
  const { stdout, code } = await run(process.execPath, words, { env: process.env, cwd: directory.path });
  return code === 0 ? "" : stdout;
}

test("each manifest has fields of Kubernetes alone, with values of their types", async () => {
  expect(await checkTypes([...manifests, secret])).toBe("");
  const [deployment] = structuredClone(manifests) as any[];
  deployment.spec.template.spec.containers[0].readinesProbe = {};
  expect(await checkTypes([deployment])).toContain("readinesProbe");
});

test("the pod keeps to the restricted profile of Kubernetes, and its container can write to its volume alone", () => {
  expect(pod.securityContext).toMatchObject({
    runAsNonRoot: true,
    seccompProfile: { type: "RuntimeDefault" },
  });
  expect(pod.securityContext.runAsUser).toBeGreaterThan(0);
  expect(container.securityContext).toEqual({
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ["ALL"] },
  });
  const kinds = pod.volumes.map(({ name: _name, ...kind }: any) => Object.keys(kind)[0]);
  expect(new Set(kinds)).toEqual(new Set(["emptyDir", "secret"]));
  const writable = container.volumeMounts.filter(({ readOnly }: any) => readOnly !== true);
  expect(writable).toEqual([{ name: "data", mountPath: "/data" }]);
  for (const field of ["hostNetwork", "hostPID", "hostIPC"]) expect(pod).not.toHaveProperty(field);
  expect(pod.automountServiceAccountToken).toBe(false);
});

test("the service reads every variable and flag of the manifest, and listens where its ports are", async () => {
  const env = await variables({ "database-password": "x" });
  // The parser of the command line reads those of the process.
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  const command = await readCommandLine(container.args, "0.0.0", process.env);
  if (command?.name !== "serve") throw new Error("expected serve");
  const { config } = command;
  const ports = Object.fromEntries(
    container.ports.map(({ name, containerPort }: any) => [name, containerPort]),
  );
  expect(ports).toEqual({ https: config.listen.port, metrics: config.metricsListen?.port });
  const own = (path: string): string => pod.volumes.find(({ name }: any) => name === mountOf(path).name).name;
  expect(own(config.serviceKeyFile!)).toBe("secrets");
  expect(own(config.data)).toBe("data");
  expect(config.tls).toMatchObject({ kind: "files" });
  expect(config.postgres?.settings).toMatchObject({ user: "membrane", database: "membrane" });
});

/** The volume that a path of the container is on. */
function mountOf(path: string): { readonly name: string; readonly mountPath: string } {
  return container.volumeMounts.find(
    ({ mountPath }: any) => path === mountPath || path.startsWith(`${mountPath}/`),
  );
}

test("what the manifests name in each other is there: ports, labels, keys of the secret and files", () => {
  const names = new Set(container.ports.map(({ name }: any) => name));
  const [port] = ofKind("Service").spec.ports;
  expect(names).toContain(port.targetPort);
  const { ingress, podSelector } = ofKind("NetworkPolicy").spec;
  for (const rule of ingress) for (const { port } of rule.ports) expect(names).toContain(port);
  for (const probe of ["startupProbe", "livenessProbe", "readinessProbe"])
    expect(names).toContain(container[probe].httpGet.port);
  for (const selector of [
    podSelector.matchLabels,
    ofKind("Service").spec.selector,
    ofKind("PodDisruptionBudget").spec.selector.matchLabels,
    ofKind("Deployment").spec.selector.matchLabels,
  ])
    expect(labels).toEqual(selector);
  const keys = Object.keys(secret.stringData);
  const { items } = pod.volumes.find(({ name }: any) => name === "secrets").secret;
  const used = items.map(({ key }: any) => key);
  const fromVariables = container.env.flatMap(({ valueFrom }: any) => valueFrom?.secretKeyRef.key ?? []);
  expect(new Set([...used, ...fromVariables])).toEqual(new Set(keys));
  const { preStop } = container.lifecycle;
  // The default of --shutdown-timeout-ms, and what a write that hangs may take.
  expect(pod.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(preStop.sleep.seconds + 10 + 5);
});

test("the egress of the policy leaves out what the service forbids without --allow-target", () => {
  const blocks = ofKind("NetworkPolicy").spec.egress.flatMap(({ to }: any) =>
    to.flatMap(({ ipBlock }: any) => ipBlock ?? []),
  );
  const except = blocks.flatMap((block: any) => block.except);
  expect(except).toEqual(
    expect.arrayContaining(["10.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"]),
  );
});

afterEach(() => vi.unstubAllEnvs());

let certificate: { readonly cert: string; readonly key: string };

beforeAll(async () => {
  certificate = await makeCertificate("membrane.example");
});

/** Puts the volumes of the pod into a directory. @returns the variables of the container with the paths and ports there. */
async function layOut(
  directory: string,
  files: Readonly<Record<string, string>>,
  secrets: Readonly<Record<string, string>>,
  ports: Readonly<Record<string, number>>,
): Promise<Record<string, string>> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(join(directory, path, ".."), { recursive: true });
    await writeFile(join(directory, path), text, { mode: 0o440 });
  }
  const env = Object.entries(await variables(secrets)).map(([name, value]) => {
    const there = value.startsWith("/") ? join(directory, value) : value;
    const port = /^0\.0\.0\.0:(\d+)$/.exec(value)?.[1];
    return [name, port === undefined ? there : `127.0.0.1:${ports[port]}`];
  });
  return Object.fromEntries(env);
}

test("two pods with the manifest's arguments, variables and volumes over one PostgreSQL pass its probes, and share what is made", async () => {
  const database = await createTestDatabase();
  await using directory = await temporaryDirectory();
  const key = `${randomBytes(32).toString("hex")}\n`;
  const files = {
    "secrets/service.key": key,
    "tls/tls.crt": certificate.cert,
    "tls/tls.key": certificate.key,
  };
  const start = async (name: string) => {
    const ports: Record<string, number> = { "8443": await freePort(), "9464": await freePort() };
    const secrets = { "database-password": database.env.PGPASSWORD };
    const env = await layOut(join(directory.path, name), files, secrets, ports);
    // The database of the manifest is in a cluster.
    const node = await spawnMembrane(container.args, { ...env, MEMBRANE_STORE: database.url });
    return { node, env: { ...env, MEMBRANE_STORE: database.url }, ports };
  };
  const [first, second] = [await start("first"), await start("second")];
  await using _first = first.node;
  await using _second = second.node;
  for (const { ports } of [first, second])
    for (const probe of ["startupProbe", "livenessProbe", "readinessProbe"]) {
      const { path, port } = container[probe].httpGet;
      const { containerPort } = container.ports.find(({ name }: any) => name === port);
      const response = await fetch(`http://127.0.0.1:${ports[containerPort]}${path}`);
      expect([probe, response.status]).toEqual([probe, 200]);
    }
  const made = await runMembrane(["tenant", "create", "--id", "alice"], first.env);
  expect([made.code, made.stderr.includes("password")]).toEqual([0, false]);
  const listed = await runMembrane(["tenant", "list"], second.env);
  expect(listed.stdout).toContain("alice");
  expect(await first.node.end("SIGTERM")).toEqual({ code: 0, signal: null });
  expect(await second.node.end("SIGTERM")).toEqual({ code: 0, signal: null });
});

test("with the values of the example of the secret the service does not start", async () => {
  const database = await createTestDatabase();
  await using directory = await temporaryDirectory();
  const files = {
    "secrets/service.key": secret.stringData["service.key"],
    "tls/tls.crt": certificate.cert,
    "tls/tls.key": certificate.key,
  };
  const ports = { "8443": await freePort(), "9464": await freePort() };
  const env = await layOut(directory.path, files, { "database-password": database.env.PGPASSWORD }, ports);
  const ended = await runMembrane(container.args, { ...env, MEMBRANE_STORE: database.url });
  expect([ended.code, ended.stderr]).toEqual([
    1,
    expect.stringContaining("service.key: line 1: expected 64 lower-case hex digits"),
  ]);
});
