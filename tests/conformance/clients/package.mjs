// fhir-package-loader, which SUSHI and its like read FHIR packages with. https://github.com/FHIR/fhir-package-loader
import assert from 'node:assert/strict';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BasePackageLoader, DiskBasedPackageCache, createSQLJSPackageDB } from 'fhir-package-loader';

const { TGZ, NAME, VERSION, DEFINITIONS } = process.env;
const folder = await mkdtemp(join(tmpdir(), 'hallpass-packages-'));
const log = (level, message) => assert.notEqual(level, 'error', message);
try {
  const cache = new DiskBasedPackageCache(folder, { log });
  await cache.cachePackageTarball(NAME, VERSION, createReadStream(TGZ));
  const nothing = { resolveVersion: (_, version) => version };  // no registry is asked
  const loader = new BasePackageLoader(await createSQLJSPackageDB(), cache, nothing, nothing, { log });
  assert.equal(await loader.loadPackage(NAME, VERSION), 'LOADED');
  assert.deepEqual(loader.findPackageJSON(NAME, VERSION).fhirVersions, ['4.0.1']);
  const definitions = JSON.parse(DEFINITIONS);
  assert.equal(loader.findResourceInfos('*').length, definitions.length);
  for (const { resourceType, id, url } of definitions) {
    const found = loader.findResourceJSON(url);
    assert.deepEqual([found?.resourceType, found?.id], [resourceType, id]);
  }
} finally {
  await rm(folder, { recursive: true });
}
console.log('done');
