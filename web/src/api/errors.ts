import type { ErrorBody } from './types'

/** An answer of the API that is not 2xx, or no answer at all (status 0). Always carries a remedy for the reader. */
export class ApiError extends Error {
  readonly status: number
  readonly code: string
  readonly remedy: string
  readonly details: unknown

  constructor(status: number, body: Omit<ErrorBody, 'details'> & { details?: unknown }) {
    super(body.message)
    this.name = 'ApiError'
    this.status = status
    this.code = body.code
    this.remedy = body.remedy
    this.details = body.details
  }
}

/** The error of a response whose body may be the API's error shape, a proxy's HTML page, or nothing. */
export function errorOfResponse(status: number, body: unknown): ApiError {
  if (isErrorBody(body)) {
    return new ApiError(status, body.error)
  }
  return new ApiError(status, {
    code: `http_${status}`,
    message: status >= 500 ? 'The server could not answer.' : 'The server refused the request.',
    remedy:
      status >= 500
        ? 'Try again. If it persists, read the log of the service.'
        : 'Reload the page; the address may be out of date.',
  })
}

/** Any thrown value as an ApiError, so that each place that shows errors shows the same four fields. */
export function asApiError(thrown: unknown): ApiError {
  if (thrown instanceof ApiError) {
    return thrown
  }
  if (thrown instanceof TypeError) {
    return new ApiError(0, {
      code: 'unreachable',
      message: 'Kubilitics did not answer.',
      remedy:
        'Check that the service is running and that this machine can reach it; the page retries by itself.',
    })
  }
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  return new ApiError(0, {
    code: 'page_error',
    message,
    remedy: 'Reload the page. If it happens again, report it with what you did before.',
  })
}

function isErrorBody(body: unknown): body is { error: ErrorBody } {
  if (typeof body !== 'object' || body === null || !('error' in body)) {
    return false
  }
  const error = (body as { error: unknown }).error
  return typeof error === 'object' && error !== null && 'message' in error && 'code' in error
}
