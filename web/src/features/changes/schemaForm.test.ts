import { expect, test } from 'vitest'
import { fieldsOf, filled } from './schemaForm'

/** As the API serves it for one of its actions. */
const SCALE = {
  properties: {
    namespace: {
      type: 'string',
      pattern: '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$',
      description: 'namespace of the object',
    },
    kind: { default: 'Deployment', enum: ['Deployment', 'StatefulSet'], type: 'string' },
    replicas: { maximum: 10000, minimum: 0, type: 'integer' },
    remember: { default: false, type: 'boolean' },
  },
  required: ['namespace', 'replicas'],
}

const fields = fieldsOf(SCALE)

test('each kind of argument has its kind of field', () => {
  expect(fields.map(({ name, input, required, start }) => [name, input, required, start])).toEqual([
    ['namespace', 'text', true, ''],
    ['kind', 'choice', false, 'Deployment'],
    ['replicas', 'number', true, ''],
    ['remember', 'switch', false, 'false'],
  ])
  const [patch, manifest, request] = fieldsOf({
    properties: {
      patch: { anyOf: [{ type: 'object' }, { type: 'array' }] },
      manifest: { type: 'string', maxLength: 262144 },
      cpu_request: { type: 'string', maxLength: 32 },
    },
  })
  expect([patch?.input, manifest?.input, request?.input, request?.label]).toEqual([
    'json',
    'area',
    'text',
    'CPU request',
  ])
})

test('values are typed, and what is empty is left to its default', () => {
  expect(
    filled(fields, { namespace: ' shop ', kind: 'StatefulSet', replicas: '3', remember: 'true' }),
  ).toEqual({
    values: { namespace: 'shop', kind: 'StatefulSet', replicas: 3, remember: true },
    errors: {},
  })
  expect(filled(fields, { namespace: 'shop', kind: '', replicas: '0' }).values).toEqual({
    namespace: 'shop',
    replicas: 0,
  })
})

test('what is missing or wrong is named', () => {
  const { errors } = filled(fields, { namespace: 'Shop!', replicas: '1.5' })
  expect(Object.keys(errors)).toEqual(['namespace', 'replicas'])
  expect(errors.replicas).toContain('0 to 10000')
  expect(filled(fields, { namespace: 'shop' }).errors.replicas).toContain('needed')
  expect(filled(fields, { namespace: 'shop', replicas: '-1' }).errors.replicas).toContain('whole number')
})

test('a patch is JSON, and JSON that is none is refused before it is sent', () => {
  const one = fieldsOf({ properties: { patch: { anyOf: [] } }, required: ['patch'] })
  expect(filled(one, { patch: '{"spec": {"paused": true}}' }).values).toEqual({
    patch: { spec: { paused: true } },
  })
  expect(filled(one, { patch: '{spec' }).errors.patch).toContain('not JSON')
})
