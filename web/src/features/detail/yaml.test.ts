import { expect, test } from 'vitest'
import { yamlTokens } from './yaml'

const LINES = [
  'apiVersion: v1',
  '  replicas: 3',
  '  - name: "a: b"  # a comment',
  '    app.kubernetes.io/name: web',
  '    - --flag=value',
  '  data: |-',
  '    http://example.com:8080/x',
  '',
  '# whole line',
  '  enabled: true',
  '  - - nested',
]

test('no character is lost or added', () => {
  for (const line of LINES) {
    expect(
      yamlTokens(line)
        .map((token) => token.text)
        .join(''),
    ).toBe(line)
  }
})

test('keys, strings, constants and comments are told apart', () => {
  const types = (line: string) => yamlTokens(line).filter((token) => token.type !== 'text')
  expect(types('  replicas: 3')).toEqual([
    { type: 'key', text: 'replicas' },
    { type: 'number', text: '3' },
  ])
  expect(types('  - name: "a: b"  # a comment').map((token) => token.type)).toEqual([
    'key',
    'string',
    'comment',
  ])
  expect(types('# whole line')).toEqual([{ type: 'comment', text: '# whole line' }])
})

test('a URL is not a key', () => {
  expect(yamlTokens('    http://example.com:8080/x').some((token) => token.type === 'key')).toBe(false)
})
