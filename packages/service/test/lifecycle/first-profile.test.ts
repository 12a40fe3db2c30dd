import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createProfile, profileDirectory, readProfile } from "capability-sdk/profiles";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";
import { runMembrane, spawnMembrane } from "../../../testkit/src/process.ts";

const SERVE = ["serve", "--listen", "127.0.0.1:0", "--authority", "localhost:8443", "--log-level", "info"];

/** An environment with this home directory and the default for the profile. */
function at(home: string): Record<string, string> {
  return { HOME: home, MEMBRANE_PROFILE: "default" };
}

test("the first start also writes the capabilities, and the CA, to the profile default", async () => {
  await using home = await temporaryDirectory();
  const data = join(home.path, "data");
  await using service = await spawnMembrane([...SERVE, "--data", data], at(home.path));
  const profile = await readProfile(profileDirectory(home.path), "default");
  const written = JSON.parse(await readFile(join(data, "first-capabilities.json"), "utf8"));
  expect(profile!.capabilities).toEqual(written.capabilities);
  expect(profile!.trustedCA).toEqual({ "localhost:8443": await readFile(join(data, "tls/ca.pem"), "utf8") });
  await expect.poll(service.printed).toContain("npx --no capi membrane create --id hello\n");
  expect((await stat(join(home.path, ".capability/credentials"))).mode & 0o777).toBe(0o600);
});

test("the operator's provision capability is not in the profile", async () => {
  await using home = await temporaryDirectory();
  const { stdout } = await runMembrane(["init", "--json", "--data", join(home.path, "data")], at(home.path));
  const written = await readFile(join(home.path, ".capability/credentials"), "utf8");
  expect(written).toContain(JSON.parse(stdout).capabilities.create);
  expect(written).not.toContain(JSON.parse(stdout).operator.provision);
});

test("init --json prints only JSON; the hint on the profile is on standard error", async () => {
  await using home = await temporaryDirectory();
  const args = ["init", "--json", "--data", join(home.path, "data"), "--profile", "lab"];
  const { code, stdout, stderr } = await runMembrane(args, at(home.path));
  expect(code).toBe(0);
  const { capabilities } = JSON.parse(stdout);
  expect(stderr).toContain('profile "lab"');
  expect(stderr).toContain("npx --no capi membrane create --id hello --profile lab");
  expect(stderr).not.toContain("CPBLTY1-");
  expect((await readProfile(profileDirectory(home.path), "lab"))?.capabilities).toEqual(capabilities);
});

test("an existing profile is not changed, and the start says how to use the new tenant", async () => {
  await using home = await temporaryDirectory();
  const directory = profileDirectory(home.path);
  await createProfile(directory, { name: "default", capabilities: { create: "mine" }, trustedCA: {} });
  const before = await readFile(join(directory, "credentials"), "utf8");
  const data = join(home.path, "data");
  await using service = await spawnMembrane([...SERVE, "--data", data], at(home.path));
  expect(await readFile(join(directory, "credentials"), "utf8")).toBe(before);
  await expect
    .poll(service.printed)
    .toContain(`the capabilities in ${join(data, "first-capabilities.json")} and the CA`);
  await expect.poll(service.printed).toContain("npx --no capi config configure --profile NAME\n");
  await expect.poll(service.printed).toContain(join(data, "tls/ca.pem"));
});

test("a second start writes no profile, since it no longer has the capabilities", async () => {
  await using home = await temporaryDirectory();
  const flags = ["--data", join(home.path, "data"), "--authority", "localhost:8443"];
  await runMembrane(["init", ...flags, "--no-profile"], at(home.path));
  await using _service = await spawnMembrane([...SERVE, ...flags.slice(0, 2)], at(home.path));
  expect(await readProfile(profileDirectory(home.path), "default")).toBeUndefined();
});

test.each([
  ["the flag", ["--no-profile"], "default"],
  ["the variable", [], "false"],
])("with %s no profile is made, and none is mentioned", async (_, flags, variable) => {
  await using home = await temporaryDirectory();
  const args = ["init", "--data", join(home.path, "data"), ...flags];
  const { code, stdout } = await runMembrane(args, { HOME: home.path, MEMBRANE_PROFILE: variable });
  expect(code).toBe(0);
  expect(stdout).not.toContain("capi");
  await expect(stat(join(home.path, ".capability"))).rejects.toThrow("ENOENT");
});

test.each([
  ["is not a directory", async (home: string) => writeFile(join(home, ".capability"), "")],
  [
    "has a file that is not YAML",
    async (home: string) => {
      await createProfile(profileDirectory(home), { name: "other", capabilities: {}, trustedCA: {} });
      await writeFile(join(home, ".capability/credentials"), "profile: [canary\n");
    },
  ],
])(
  "a start does not depend on the profile: if its directory %s, the start says so and serves",
  async (_, spoil) => {
    await using home = await temporaryDirectory();
    await spoil(home.path);
    const data = join(home.path, "data");
    await using service = await spawnMembrane([...SERVE, "--data", data], at(home.path));
    await expect.poll(service.printed).toContain("The profile of capi was not written: ");
    await expect.poll(service.printed).toContain("npx --no capi config configure");
    expect(service.printed()).not.toContain("canary");
  },
);

test("an invalid profile name stops the start before anything is made", async () => {
  await using home = await temporaryDirectory();
  const data = join(home.path, "data");
  const { code, stderr } = await runMembrane(["init", "--data", data, "--profile", "a b"], at(home.path));
  expect(code).toBe(1);
  expect(stderr).toContain("--profile: expected ");
  await expect(stat(data)).rejects.toThrow("ENOENT");
});
