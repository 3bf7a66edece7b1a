import { ApiError, asApiError, errorOfResponse } from './errors'

export type Query = Record<string, string | number | boolean | null | undefined>

interface CallOptions {
  query?: Query
  body?: unknown
  signal?: AbortSignal
  /** Where the path begins, when that is not the API. */
  base?: string
}

const BASE = '/api/v1'

/**
 * Calls the API and returns its JSON.
 *
 * The session is an HttpOnly cookie, so no token ever passes through the page. `X-Requested-With` makes a
 * cross-site form unable to forge an unsafe request.
 *
 * @throws ApiError for every answer that is not 2xx and for no answer at all
 */
export async function call<T>(method: string, path: string, options: CallOptions = {}): Promise<T> {
  const headers: Record<string, string> = { Accept: 'application/json', 'X-Requested-With': 'kubilitics-web' }
  if (options.body !== undefined) {
    headers['Content-Type'] = 'application/json'
  }
  let response: Response
  try {
    response = await fetch((options.base ?? BASE) + path + queryString(options.query), {
      method,
      headers,
      credentials: 'same-origin',
      body: options.body === undefined ? undefined : JSON.stringify(options.body),
      signal: options.signal,
    })
  } catch (thrown) {
    if (thrown instanceof DOMException && thrown.name === 'AbortError') {
      throw thrown
    }
    throw asApiError(thrown)
  }
  const body = await readJson(response)
  if (!response.ok) {
    throw errorOfResponse(response.status, body)
  }
  return body as T
}

/** A path built from segments that may hold any character, e.g. `system:node`. */
export function path(...segments: string[]): string {
  return '/' + segments.map(encodeURIComponent).join('/')
}

export function queryString(query: Query | undefined): string {
  const params = new URLSearchParams()
  for (const [key, value] of Object.entries(query ?? {})) {
    if (value !== undefined && value !== null && value !== '' && value !== false) {
      params.set(key, String(value))
    }
  }
  const text = params.toString()
  return text ? `?${text}` : ''
}

async function readJson(response: Response): Promise<unknown> {
  if (response.status === 204) {
    return null
  }
  const text = await response.text()
  if (!text) {
    return null
  }
  try {
    return JSON.parse(text)
  } catch {
    if (response.ok) {
      throw new ApiError(response.status, {
        code: 'not_json',
        message: 'The answer was not JSON.',
        remedy: 'Something between this page and Kubilitics answered in its place; check the proxy.',
      })
    }
    return null
  }
}
