import { useLocation, useParams, useSearch } from '@tanstack/react-router'
import type { ChatContext } from '../../api/types'

export interface Screen {
  context: ChatContext
  /** The same in words, so that the reader sees exactly what is sent. */
  text: string
}

/** What the reader looks at, so that "why is this failing?" has a subject. */
export function useScreen(): Screen {
  const { pathname } = useLocation()
  const params = useParams({ strict: false })
  const search = useSearch({ strict: false })
  return screenOf(pathname, params, search)
}

interface Params {
  kind?: string
  namespace?: string
  name?: string
  investigation?: string
}

interface Search {
  namespace?: string
  open?: string
}

export function screenOf(pathname: string, params: Params, search: Search): Screen {
  const { kind, investigation } = params
  if (investigation) {
    return { context: { page: 'investigation', investigation }, text: 'this investigation' }
  }
  if (!kind) {
    const page = pageOf(pathname)
    const namespace = search.namespace
    return {
      context: compact({ page, namespace }),
      text: [page, namespace && `in ${namespace}`].filter(Boolean).join(' '),
    }
  }
  const [openNamespace, openName] = split(search.open)
  const name = params.name ?? openName
  const namespace = params.name
    ? params.namespace === '-'
      ? undefined
      : params.namespace
    : openNamespace || search.namespace
  const context = compact({ page: name ? 'detail' : 'list', kind, namespace, name })
  const text = name
    ? `${kind} ${namespace ? `${namespace}/` : ''}${name}`
    : `${kind} list${namespace ? ` in ${namespace}` : ''}`
  return { context, text }
}

function pageOf(pathname: string): string {
  const last = pathname.split('/').filter(Boolean).at(-1) ?? ''
  if (last === 'problems' || last === 'investigations') {
    return last
  }
  return pathname.startsWith('/c/') ? 'overview' : 'clusters'
}

function split(open: string | undefined): [string | undefined, string | undefined] {
  if (!open) {
    return [undefined, undefined]
  }
  const slash = open.indexOf('/')
  return [open.slice(0, slash), open.slice(slash + 1)]
}

function compact(context: ChatContext): ChatContext {
  return Object.fromEntries(Object.entries(context).filter(([, value]) => value)) as ChatContext
}
