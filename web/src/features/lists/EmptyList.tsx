import type { Gap, Kind } from '../../api/types'
import { Button } from '../../ui/Button'
import { EmptyState } from '../../ui/Notice'
import { StatusWord } from '../../ui/Status'

interface EmptyListProps {
  kind: Kind
  gaps: Gap[]
  q: string | undefined
  namespace: string | undefined
  onClear: () => void
  onAllNamespaces: () => void
}

/** Why a list is empty: nothing matches, nothing is there, or it could not be read. These are three different facts. */
export function EmptyList({ kind, gaps, q, namespace, onClear, onAllNamespaces }: EmptyListProps) {
  const gap = gaps.find((candidate) => candidate.kind === kind.kind || candidate.kind === '*')
  if (gap) {
    return (
      <EmptyState title={GAP_TITLES[gap.reason]?.(kind.title) ?? `${kind.title} could not be read`}>
        <p>{gap.message}</p>
        {gap.reason === 'forbidden' && (
          <p>
            Needs the verb <code>list</code> on <code>{kind.plural}</code>
            {kind.group ? (
              <>
                {' '}
                in <code>{kind.group}</code>
              </>
            ) : null}
            . Grant it to the credentials of this cluster and refresh.
          </p>
        )}
        <StatusWord level="unknown" word="This is a gap, not a zero" />
      </EmptyState>
    )
  }
  return (
    <EmptyState title={emptyTitle(kind, q, namespace)}>
      {q && <Button onClick={onClear}>Clear the filter</Button>}
      {namespace && <Button onClick={onAllNamespaces}>Search all namespaces</Button>}
      {!q && !namespace && <p>The cluster was read and has none.</p>}
    </EmptyState>
  )
}

const GAP_TITLES: Record<string, (title: string) => string> = {
  not_installed: (title) => `${title} are not installed in this cluster`,
  forbidden: (title) => `Reading ${title} is not permitted`,
  not_recorded: (title) => `${title} are not part of this recording`,
  timeout: (title) => `Reading ${title} took too long`,
}

function emptyTitle(kind: Kind, q: string | undefined, namespace: string | undefined): string {
  return `0 ${kind.title}${q ? ` match “${q}”` : ''}${namespace ? ` in ${namespace}` : ''}`
}
