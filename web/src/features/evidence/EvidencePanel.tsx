import { useEffect, useRef } from 'react'
import { useNavigate } from '@tanstack/react-router'
import { useQuery } from '@tanstack/react-query'
import { evidenceQuery } from '../../api/queries'
import type { Evidence } from '../../api/types'
import { useShortcut } from '../../app/shortcuts'
import { clockTime, NONE } from '../../kinds/format'
import { ResourceLink } from '../../kinds/ResourceLink'
import { IconButton } from '../../ui/Button'
import { ErrorNotice } from '../../ui/Notice'
import { SkeletonRows } from '../../ui/Skeleton'
import styles from './EvidencePanel.module.css'

const TYPE_WORDS: Record<Evidence['type'], string> = {
  object: 'A field of an object',
  event: 'An event',
  log: 'Log lines',
  metric: 'A metric',
  absence: 'Something that is not there',
}

/** One piece of evidence: what was observed, where, what was expected, and when it was read. */
export function EvidencePanel({ id, cluster }: { id: string; cluster: string | undefined }) {
  const evidence = useQuery(evidenceQuery(id, cluster))
  const navigate = useNavigate()
  const panel = useRef<HTMLElement>(null)
  const close = () =>
    void navigate({
      to: '.',
      search: ((previous: Record<string, unknown>) => ({ ...previous, evidence: undefined })) as never,
      resetScroll: false,
    })
  useShortcut('close', close)
  useEffect(() => {
    const before = document.activeElement
    panel.current?.focus()
    return () => {
      if (before instanceof HTMLElement && before.isConnected) {
        before.focus()
      }
    }
  }, [])
  return (
    <aside ref={panel} className={styles.panel} aria-label="Evidence" tabIndex={-1}>
      <header className={styles.header}>
        <h2>Evidence</h2>
        <code className={styles.id}>{id}</code>
        <IconButton icon="close" label="Close the evidence" shortcut="Esc" onClick={close} />
      </header>
      <div className={styles.body}>
        {evidence.isPending && <SkeletonRows count={5} />}
        {evidence.isError && <ErrorNotice error={evidence.error} onRetry={() => void evidence.refetch()} />}
        {evidence.data && (
          <EvidenceBody evidence={evidence.data} cluster={evidence.data.cluster || cluster} />
        )}
      </div>
    </aside>
  )
}

function EvidenceBody({ evidence, cluster }: { evidence: Evidence; cluster: string | undefined }) {
  const { kind, name, namespace } = evidence.resource
  const resource = kind && name ? { kind, name, namespace } : null
  return (
    <>
      {evidence.text && <p className={styles.text}>{evidence.text}</p>}
      <dl className={styles.facts}>
        <dt>Type</dt>
        <dd>{TYPE_WORDS[evidence.type] ?? evidence.type}</dd>
        {resource && (
          <>
            <dt>Object</dt>
            <dd>
              <ResourceLink cluster={cluster} resource={resource} />
            </dd>
          </>
        )}
        {evidence.pointer && (
          <>
            <dt>At</dt>
            <dd>
              <code>{evidence.pointer}</code>
            </dd>
          </>
        )}
        <dt>Time</dt>
        <dd>{evidence.at ? clockTime(evidence.at) : NONE}</dd>
      </dl>
      {isGiven(evidence.observed) && <Value title="Observed" value={evidence.observed} tone="observed" />}
      {isGiven(evidence.expected) && <Value title="Expected" value={evidence.expected} tone="expected" />}
      {evidence.lines && evidence.lines.length > 0 && (
        <section>
          <h3 className={styles.heading}>Lines</h3>
          <pre className={styles.lines} tabIndex={0} aria-label="Log lines">
            {evidence.lines.map(([number, text]) => `${number}  ${text}`).join('\n')}
          </pre>
        </section>
      )}
    </>
  )
}

function isGiven(value: unknown): boolean {
  return value !== null && value !== undefined && value !== ''
}

function Value({ title, value, tone }: { title: string; value: unknown; tone: 'observed' | 'expected' }) {
  return (
    <section>
      <h3 className={styles.heading}>{title}</h3>
      <pre className={`${styles.value} ${styles[tone]}`} tabIndex={0} aria-label={title}>
        {typeof value === 'string' ? value : JSON.stringify(value, null, 2)}
      </pre>
    </section>
  )
}
