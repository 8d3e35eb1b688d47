/** Certificates for tests, made by openssl as they are asked for. */

export interface Certificates extends AsyncDisposable {
  /** Where they are: `authority.pem`, and `NAME.pem` with `NAME.key.pem` of each. */
  readonly dir: string;
  /** PEM of who vouches for all of them. */
  readonly authority: string;
  /** PEM of a certificate for these names (`DNS:hooks.test`, `IP:127.0.0.1`), and of its key. */
  make(
    name: string,
    subjectAltNames: string,
  ): Promise<{ readonly cert: string; readonly key: string }>;
}

const KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];

/** @throws {Deno.errors.NotFound} where there is no openssl */
export async function createCertificates(): Promise<Certificates> {
  const dir = await Deno.makeTempDir({ prefix: "certificates-" });
  const read = (file: string) => Deno.readTextFile(`${dir}/${file}`);
  await openssl(dir, [
    ...["req", "-x509", ...KEY, "-subj", "/CN=An authority of a test"],
    ...["-keyout", "authority.key.pem", "-out", "authority.pem"],
  ]);
  return {
    dir,
    authority: await read("authority.pem"),
    async make(name, subjectAltNames) {
      await openssl(dir, [
        ...["req", "-x509", ...KEY, "-subj", `/CN=${name} of a test`],
        ...["-CA", "authority.pem", "-CAkey", "authority.key.pem"],
        ...["-addext", `subjectAltName=${subjectAltNames}`],
        ...["-addext", "basicConstraints=critical,CA:FALSE"],
        ...["-keyout", `${name}.key.pem`, "-out", `${name}.pem`],
      ]);
      return { cert: await read(`${name}.pem`), key: await read(`${name}.key.pem`) };
    },
    [Symbol.asyncDispose]: () => Deno.remove(dir, { recursive: true }),
  };
}

async function openssl(dir: string, args: readonly string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command("openssl", { args: [...args], cwd: dir })
    .output();
  if (!success) throw new Error(`Cannot run openssl: ${new TextDecoder().decode(stderr)}`);
}
