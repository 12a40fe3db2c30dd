import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

/** Says where a part of an image is. */
interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

/**
 * Writes an image of one layer in the layout of the Open Container Initiative.
 *
 * @returns the digest of the layer as it is stored and sent.
 */
export async function writeImage(directory: string, layer: Buffer): Promise<string> {
  const blobs = join(directory, "blobs", "sha256");
  await mkdir(blobs, { recursive: true });
  const add = async (mediaType: string, bytes: Buffer): Promise<Descriptor> => {
    const hash = sha256(bytes);
    await writeFile(join(blobs, hash), bytes);
    return {
      mediaType: `application/vnd.oci.image.${mediaType}`,
      digest: `sha256:${hash}`,
      size: bytes.length,
    };
  };
  const addJson = (mediaType: string, value: object) => add(mediaType, Buffer.from(JSON.stringify(value)));
  // Clients compress others, and so send them under another digest.
  const stored = await add("layer.v1.tar+gzip", gzipSync(layer, { level: 0 }));
  const config = await addJson("config.v1+json", {
    architecture: "amd64",
    os: "linux",
    rootfs: { type: "layers", diff_ids: [`sha256:${sha256(layer)}`] },
  });
  const manifest = await addJson("manifest.v1+json", { schemaVersion: 2, config, layers: [stored] });
  await writeFile(join(directory, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
  await writeFile(join(directory, "index.json"), JSON.stringify({ schemaVersion: 2, manifests: [manifest] }));
  return stored.digest;
}

function sha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}
