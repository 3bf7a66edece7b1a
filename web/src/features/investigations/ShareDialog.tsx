import { useState, type FormEvent } from 'react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { createShare, revokeShare } from '../../api/commands'
import { sharesQuery } from '../../api/queries'
import type { ReportShare } from '../../api/types'
import { clockTime } from '../../kinds/format'
import { Button } from '../../ui/Button'
import { CopyCommand } from '../../ui/CopyCommand'
import { SelectField } from '../../ui/Field'
import { Modal } from '../../ui/Modal'
import { ErrorNotice } from '../../ui/Notice'
import { SkeletonRows } from '../../ui/Skeleton'
import form from './Form.module.css'
import styles from './SideCards.module.css'

const SPANS = [
  ['1h', '1 hour'],
  ['1d', '1 day'],
  ['7d', '7 days'],
  ['30d', '30 days'],
] as const

/** Links to the report for people without an account: made, copied once, and ended at any time. */
export function ShareDialog({ investigation, onClose }: { investigation: string; onClose: () => void }) {
  const queries = useQueryClient()
  const [lasts, setLasts] = useState('7d')
  const shares = useQuery(sharesQuery(investigation))
  const create = useMutation({
    mutationFn: () => createShare(investigation, lasts),
    onSettled: () => queries.invalidateQueries({ queryKey: sharesQuery(investigation).queryKey }),
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    create.mutate()
  }
  return (
    <Modal
      open
      onClose={onClose}
      title="Share the report"
      description="Whoever has the link can read this one report and nothing else, without signing in, until the link ends. Secrets in it are masked."
    >
      <form className={form.form} onSubmit={submit}>
        <SelectField label="The link lasts" value={lasts} onChange={(event) => setLasts(event.target.value)}>
          {SPANS.map(([span, words]) => (
            <option key={span} value={span}>
              {words}
            </option>
          ))}
        </SelectField>
        {create.isError && <ErrorNotice error={create.error} />}
        <div className={form.actions}>
          <Button type="submit" tone="primary" icon="link" disabled={create.isPending}>
            Create a link
          </Button>
        </div>
      </form>
      {create.data && (
        <section className={styles.list} aria-label="New link">
          <p role="status">Copy it now: only a fingerprint of it is kept, so it cannot be shown again.</p>
          <CopyCommand command={location.origin + create.data.path} label="Copy the link" />
        </section>
      )}
      {shares.isPending && <SkeletonRows count={2} />}
      {shares.isError && <ErrorNotice error={shares.error} onRetry={() => void shares.refetch()} />}
      {shares.data && <Links investigation={investigation} shares={shares.data.items} />}
    </Modal>
  )
}

function Links({ investigation, shares }: { investigation: string; shares: ReportShare[] }) {
  const queries = useQueryClient()
  const revoke = useMutation({
    mutationFn: (share: string) => revokeShare(investigation, share),
    onSettled: () => queries.invalidateQueries({ queryKey: sharesQuery(investigation).queryKey }),
  })
  if (shares.length === 0) {
    return <p className={styles.quiet}>No link is valid now.</p>
  }
  return (
    <>
      <h3 className={styles.heading}>Valid links</h3>
      {revoke.isError && <ErrorNotice error={revoke.error} />}
      <ul className={styles.list} aria-label="Valid links">
        {shares.map((share) => (
          <li key={share.id} className={styles.link}>
            <span>
              By {share.created_by}, {clockTime(share.created_at)}
              <br />
              <span className={styles.quiet}>until {clockTime(share.expires_at)}</span>
            </span>
            <Button disabled={revoke.isPending} onClick={() => revoke.mutate(share.id)}>
              Revoke
            </Button>
          </li>
        ))}
      </ul>
    </>
  )
}
