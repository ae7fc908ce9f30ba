// @medplum/core, against a server that is not Medplum's. https://www.medplum.com/docs/sdk/core
import assert from 'node:assert/strict';
import { MedplumClient } from '@medplum/core';

const baseUrl = process.env.FHIR.replace(/fhir$/, '');
const as = (accessToken) =>
  new MedplumClient({ baseUrl, fhirUrlPath: 'fhir', tokenUrl: `${baseUrl}auth/token`, accessToken, cacheTime: 0 });
const district = as(process.env.DISTRICT);
const clinic = as(process.env.CLINIC);
const own = { resourceType: 'Patient', name: [{ family: 'Med' }], identifier: [{ system: 'urn:test', value: 'med-1' }] };

assert.equal((await clinic.search('ServiceRequest')).total, 1);
assert.equal((await district.searchResources('Patient', '_count=3&_sort=-_lastUpdated')).length, 3);
assert.ok((await district.searchOne('Patient', 'family:contains=a'))?.id);
let number = 0;
for await (const page of district.searchResourcePages('Patient', '_count=15')) {
  number += page.length;
}
assert.ok(number >= 40);

const made = await district.createResource(own);
assert.equal((await district.createResourceIfNoneExist(own, 'identifier=urn:test|med-1')).id, made.id);
assert.equal((await district.readResource('Patient', made.id)).id, made.id);
assert.equal((await district.readReference({ reference: `Patient/${made.id}` })).id, made.id);
assert.equal((await district.updateResource({ ...made, gender: 'male' })).meta.versionId, '2');
assert.equal((await district.updateResource({ ...made, gender: 'male' })).meta.versionId, '2');
assert.equal((await district.upsertResource({ ...made, gender: 'other' }, 'identifier=urn:test|med-1')).meta.versionId, '3');
const patch = [{ op: 'replace', path: '/gender', value: 'female' }];
assert.equal((await district.patchResource('Patient', made.id, patch)).gender, 'female');
assert.equal((await district.readHistory('Patient', made.id)).total, 4);
assert.equal((await district.readVersion('Patient', made.id, '1')).meta.versionId, '1');
assert.equal((await district.readPatientEverything(made.id)).type, 'searchset');
const entry = [{ request: { method: 'GET', url: `Patient/${made.id}` } }];
const batch = await district.executeBatch({ resourceType: 'Bundle', type: 'batch', entry });
assert.equal(batch.entry[0].response.status, '200 OK');
assert.equal((await district.validateResource(own)).issue[0].severity, 'information');
await assert.rejects(clinic.readResource('Patient', made.id), (e) => e.outcome.issue[0].code === 'not-found');
await district.deleteResource('Patient', made.id);
await assert.rejects(district.readResource('Patient', made.id), (e) => e.outcome.issue[0].code === 'deleted');
console.log('done');
