import { lazy, Suspense, useState } from 'react'
import { Link } from '@tanstack/react-router'
import { useQuery } from '@tanstack/react-query'
import { investigationTemplatesQuery } from '../../api/queries'
import type { Investigation } from '../../api/types'
import { clockTime, percent } from '../../kinds/format'
import { refKey, ResourceLink } from '../../kinds/ResourceLink'
import { Button } from '../../ui/Button'
import { Card } from '../../ui/Card'
import styles from './SideCards.module.css'

const ShareDialog = lazy(() => import('./ShareDialog').then((module) => ({ default: module.ShareDialog })))

/** Past ones that look alike, why, and what solved them. */
export function SimilarCard({ one }: { one: Investigation }) {
  if (one.similar.length === 0) {
    return null
  }
  return (
    <Card title="Looks like">
      <ul className={styles.similar}>
        {one.similar.map((past) => (
          <li key={past.investigation}>
            <Link
              to="/c/$cluster/investigations/$investigation"
              params={{ cluster: one.cluster, investigation: past.investigation }}
              preload={false}
            >
              <span className={styles.clamped}>{past.cause || 'An earlier investigation'}</span>
            </Link>
            <span className={styles.quiet}>
              {percent(past.similarity)} alike, {past.cluster_name}, {clockTime(past.concluded_at)}
            </span>
            {past.solved_by && <span>Solved: {past.solved_by}</span>}
            {past.reasons.length > 0 && (
              <span className={`${styles.quiet} ${styles.clamped}`} title={past.reasons.join('\n')}>
                {past.reasons.join('; ')}
              </span>
            )}
          </li>
        ))}
      </ul>
    </Card>
  )
}

const FORMATS = [
  ['html', 'Open as a page', ''],
  ['markdown', 'Markdown', 'md'],
  ['json', 'JSON', 'json'],
] as const

/** The report to keep or to send, and links for people without an account. */
export function ReportCard({ one, mayWrite }: { one: Investigation; mayWrite: boolean }) {
  const [sharing, setSharing] = useState(false)
  const address = (format: string) =>
    `/api/v1/investigations/${encodeURIComponent(one.id)}/report?format=${format}`
  return (
    <Card title="Report">
      <div className={styles.report}>
        {FORMATS.map(([format, words, ending]) => (
          <a
            key={format}
            href={address(format)}
            {...(ending ? { download: `${one.id}.${ending}` } : { target: '_blank', rel: 'noreferrer' })}
          >
            {words}
          </a>
        ))}
        {mayWrite && (
          <Button icon="share" onClick={() => setSharing(true)}>
            Share
          </Button>
        )}
      </div>
      <Suspense fallback={null}>
        {sharing && <ShareDialog investigation={one.id} onClose={() => setSharing(false)} />}
      </Suspense>
    </Card>
  )
}

/** What the investigation is about and what it judged. */
export function ContextCard({ one }: { one: Investigation }) {
  const templates = useQuery(investigationTemplatesQuery()).data?.items ?? []
  const template = templates.find(({ id }) => id === one.template)
  return (
    <Card title="About">
      <dl className={styles.facts}>
        <dt>Template</dt>
        <dd title={template?.about}>{template?.title ?? (one.template || 'Chosen at the start')}</dd>
        <dt>Judged</dt>
        <dd>
          {one.snapshot ? `the cluster as of ${clockTime(one.snapshot.as_of)}` : 'not read yet'}
          {one.snapshot?.recorded && ', a recording'}
          {one.snapshot && !one.snapshot.kept && ', no longer kept'}
        </dd>
        {one.links.map((link) => (
          <LinkFact key={link.id} one={one} link={link} />
        ))}
      </dl>
      {one.symptoms.length > 0 && (
        <>
          <h3 className={styles.heading}>Symptoms</h3>
          <ul className={styles.list}>
            {one.symptoms.map((symptom) => (
              <li key={`${symptom.type}/${refKey(symptom.resource)}`}>
                {symptom.text} <ResourceLink cluster={one.cluster} resource={symptom.resource} />
                {symptom.count > 1 && <span className={styles.quiet}> and {symptom.count - 1} more</span>}
              </li>
            ))}
          </ul>
        </>
      )}
    </Card>
  )
}

function LinkFact({ one, link }: { one: Investigation; link: Investigation['links'][number] }) {
  return (
    <>
      <dt>{link.type === 'investigation' ? 'Follows' : 'From'}</dt>
      <dd>
        {link.type === 'investigation' ? (
          <Link
            to="/c/$cluster/investigations/$investigation"
            params={{ cluster: one.cluster, investigation: link.id }}
            preload={false}
          >
            an earlier investigation
          </Link>
        ) : (
          `${link.type} ${link.id}`
        )}
      </dd>
    </>
  )
}
