// @vitest-environment node
import { afterEach, expect, test, vi } from 'vitest'
import { call, path, queryString } from './client'
import { ApiError } from './errors'

afterEach(() => vi.unstubAllGlobals())

function answer(status: number, body: string) {
  const fetched = vi.fn(() => Promise.resolve(new Response(status === 204 ? null : body, { status })))
  vi.stubGlobal('fetch', fetched)
  return fetched
}

const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => null,
    (error: unknown) => error as ApiError,
  )

test('an error of the API keeps its code, message and remedy', async () => {
  answer(
    404,
    JSON.stringify({
      error: { code: 'unknown_kind', message: 'No kind x.', remedy: 'Valid: Pod.', details: {} },
    }),
  )
  const error = await failure(call('GET', '/kinds'))
  expect(error).toMatchObject({
    status: 404,
    code: 'unknown_kind',
    message: 'No kind x.',
    remedy: 'Valid: Pod.',
  })
})

test("a proxy's HTML error page becomes an error with a remedy", async () => {
  answer(502, '<html>Bad gateway</html>')
  const error = await failure(call('GET', '/kinds'))
  expect(error).toBeInstanceOf(ApiError)
  expect(error).toMatchObject({ status: 502, code: 'http_502' })
  expect(error?.remedy).not.toBe('')
})

test('no answer at all says that the service is not reachable', async () => {
  vi.stubGlobal(
    'fetch',
    vi.fn(() => Promise.reject(new TypeError('Failed to fetch'))),
  )
  expect(await failure(call('GET', '/kinds'))).toMatchObject({ status: 0, code: 'unreachable' })
})

test('an abandoned request is not an error of the service', async () => {
  vi.stubGlobal(
    'fetch',
    vi.fn(() => Promise.reject(new DOMException('gone', 'AbortError'))),
  )
  expect(await failure(call('GET', '/kinds'))).not.toBeInstanceOf(ApiError)
})

test('no content is null', async () => {
  answer(204, '')
  expect(await call('DELETE', '/clusters/a')).toBeNull()
})

test('names with slashes and colons stay one segment', () => {
  expect(path('resources', 'ClusterRole', '-', 'system:node/x')).toBe(
    '/resources/ClusterRole/-/system%3Anode%2Fx',
  )
})

test('absent query values are left out, zero is not', () => {
  expect(queryString({ a: undefined, b: null, c: '', d: false, e: 0, f: 'x y' })).toBe('?e=0&f=x+y')
})
