// Packs every workspace as for publication, and checks that each tarball has exactly the files that its users need, and that an
// empty project that installs the tarballs runs and type-checks with them. Packed again from the sources elsewhere, they must be the same, and the
// bill of materials must be one.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkBillOfMaterials } from "./packages/check-sbom.js";
import { findMisplaced } from "./packages/contents.js";
import { lintTarball } from "./packages/lint.js";
import { pack } from "./packages/pack.js";
import { installProject, tryProject } from "./packages/project.js";
import { packAgain } from "./packages/reproducible.js";

const directory = await mkdtemp(join(tmpdir(), "membrane-packages-"));
try {
  const packages = await pack(directory);
  for (const packed of packages) {
    const problems = [...(await findMisplaced(packed)), ...(await lintTarball(packed))];
    report(packed.name, problems, `${packed.files.length} files, packed right`);
  }
  report(
    "all of them",
    await packAgain(directory, packages),
    "the same when they are compiled and packed elsewhere",
  );
  const { problems, components } = await checkBillOfMaterials();
  report("bill of materials", problems, `${components} components, CycloneDX 1.6`);
  const project = await installProject(directory, packages);
  report("a project that installs them", await tryProject(project, packages), "runs and type-checks");
} finally {
  await rm(directory, { recursive: true, force: true });
}

/**
 * @param {string} subject
 * @param {readonly string[]} problems
 * @param {string} praise
 */
function report(subject, problems, praise) {
  if (problems.length === 0) return console.log(`${subject}: ${praise}.`);
  for (const problem of problems) console.error(`${subject}: ${problem}`);
  process.exitCode = 1;
}
