import { useState } from 'react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { putAutonomy, revokeStanding } from '../../api/changeCommands'
import { autonomyQuery } from '../../api/changeQueries'
import { clustersQuery } from '../../api/queries'
import { useMay } from '../../api/roles'
import type { Autonomy, AutonomyScope, Standing } from '../../api/types'
import { clockTime } from '../../kinds/format'
import { Button, IconButton } from '../../ui/Button'
import { Card } from '../../ui/Card'
import { EmptyState, ErrorNotice } from '../../ui/Notice'
import { PageHeader } from '../../ui/PageHeader'
import { SkeletonRows } from '../../ui/Skeleton'
import { StatusShape } from '../../ui/Status'
import { Table } from '../../ui/Table'
import { LevelSelect, ScopeDialog } from './ScopeDialog'
import { StandingDialog } from './StandingDialog'
import { windowWords } from './policyForm'
import type { TimeWindow } from '../../api/types'
import styles from './Governance.module.css'

interface AutonomyChange {
  level?: number
  scopes?: AutonomyScope[]
  close_breakers?: string[]
}

const scopesOf = (found: Autonomy) => found.scopes as unknown as AutonomyScope[]

/** How much is done without asking, where, and inside which signed bounds. */
export function AutonomyPage() {
  const found = useQuery(autonomyQuery())
  return (
    <div className={styles.page}>
      <PageHeader title="Autonomy" />
      <p className={styles.lead}>
        At level 3, the default, nothing is changed before a person has approved it. At 4 and 5 changes are
        made alone, but only inside a standing approval below: for one problem, one action, named places, and
        so many a day. After a failed verification or two undos this stops by itself.
      </p>
      {found.isError && <ErrorNotice error={found.error} onRetry={() => void found.refetch()} />}
      {found.isPending && <SkeletonRows label="Loading autonomy" />}
      {found.data && <Settings found={found.data} />}
    </div>
  )
}

function Settings({ found }: { found: Autonomy }) {
  const queries = useQueryClient()
  const mayEdit = useMay('settings:write')
  const clusters = useQuery(clustersQuery()).data?.items ?? []
  const nameOf = (id: string) => clusters.find((one) => one.id === id)?.name ?? id
  const put = useMutation({
    mutationFn: (change: AutonomyChange) =>
      putAutonomy({
        level: change.level ?? found.level,
        scopes: change.scopes ?? scopesOf(found),
        close_breakers: change.close_breakers ?? [],
        revision: found.revision,
      }),
    onSuccess: (saved) => queries.setQueryData(autonomyQuery().queryKey, saved),
    onError: () => queries.invalidateQueries({ queryKey: autonomyQuery().queryKey }),
  })
  return (
    <>
      {put.isError && <ErrorNotice error={put.error} title="It was not saved" />}
      {found.breakers.map((breaker) => (
        <Card key={breaker.cluster} title={`Stopped in ${nameOf(breaker.cluster)}`}>
          <div className={styles.breaker}>
            <StatusShape level="crit" size={16} />
            <p>
              {breaker.why} <span className={styles.small}>since {clockTime(breaker.opened_at)}</span>
            </p>
            {mayEdit && (
              <Button
                disabled={put.isPending}
                onClick={() => put.mutate({ close_breakers: [breaker.cluster] })}
              >
                Let it act again
              </Button>
            )}
          </div>
        </Card>
      ))}
      <Levels found={found} nameOf={nameOf} mayEdit={mayEdit} pending={put.isPending} onChange={put.mutate} />
      <StandingApprovals found={found} nameOf={nameOf} />
    </>
  )
}

interface LevelsProps {
  found: Autonomy
  nameOf: (cluster: string) => string
  mayEdit: boolean
  pending: boolean
  onChange: (change: AutonomyChange) => void
}

function Levels({ found, nameOf, mayEdit, pending, onChange }: LevelsProps) {
  const [adding, setAdding] = useState(false)
  const scopes = scopesOf(found)
  const levelWords = (level: number) => `${level}: ${found.levels[String(level)] ?? ''}`
  const without = (scope: AutonomyScope) =>
    scopes.filter((one) => one.cluster !== scope.cluster || one.namespace !== scope.namespace)
  return (
    <Card
      title="Levels"
      aside={
        mayEdit && (
          <Button tone="quiet" icon="plus" onClick={() => setAdding(true)}>
            A level for a cluster or namespace
          </Button>
        )
      }
    >
      <div className={styles.form}>
        <div className={styles.level}>
          <span>Everywhere</span>
          {mayEdit ? (
            <LevelSelect
              label="Level everywhere"
              levels={found.levels}
              value={found.level}
              disabled={pending}
              onChange={(level) => onChange({ level })}
            />
          ) : (
            <strong>{levelWords(found.level)}</strong>
          )}
        </div>
        {scopes.map((scope) => (
          <div key={`${scope.cluster}/${scope.namespace}`} className={styles.level}>
            <span>
              {scope.namespace
                ? `Namespace ${scope.namespace} of ${nameOf(scope.cluster)}`
                : nameOf(scope.cluster)}
            </span>
            <strong>{levelWords(scope.level)}</strong>
            {mayEdit && (
              <IconButton
                icon="trash"
                label={`Remove the level of ${scope.namespace || nameOf(scope.cluster)}`}
                disabled={pending}
                onClick={() => onChange({ scopes: without(scope) })}
              />
            )}
          </div>
        ))}
        <p className={styles.small}>
          The most specific one holds: namespace, then cluster, then everywhere. A change that touches several
          places gets the lowest of theirs. {!mayEdit && 'An administrator can change them.'}
        </p>
      </div>
      {adding && (
        <ScopeDialog
          levels={found.levels}
          onSave={(scope) => {
            onChange({ scopes: [...without(scope), scope] })
            setAdding(false)
          }}
          onClose={() => setAdding(false)}
        />
      )}
    </Card>
  )
}

function StandingApprovals({ found, nameOf }: { found: Autonomy; nameOf: (cluster: string) => string }) {
  const queries = useQueryClient()
  const maySign = useMay('changes:approve_high')
  const mayRevoke = useMay('changes:approve')
  const [signing, setSigning] = useState(false)
  const revoke = useMutation({
    mutationFn: revokeStanding,
    onSettled: () => queries.invalidateQueries({ queryKey: autonomyQuery().queryKey }),
  })
  return (
    <Card
      title="Standing approvals"
      flush
      aside={
        maySign && (
          <Button tone="quiet" icon="plus" onClick={() => setSigning(true)}>
            Sign one
          </Button>
        )
      }
    >
      {revoke.isError && <ErrorNotice error={revoke.error} />}
      {found.standing.length === 0 ? (
        <EmptyState title="Nothing may be done alone">
          <p>Without a standing approval every change needs a person, at any level.</p>
        </EmptyState>
      ) : (
        <Table
          label="Standing approvals"
          rows={found.standing}
          rowKey={(one) => one.id}
          columns={[
            { key: 'rule', title: 'On', cell: (one) => <code>{one.rule}</code> },
            { key: 'action', title: 'Do', cell: (one) => <code>{one.action}</code> },
            { key: 'bounds', title: 'Within', cell: (one) => boundsWords(one, nameOf) },
            { key: 'budget', title: 'A day', numeric: true, cell: (one) => one.daily_budget },
            {
              key: 'signed',
              title: 'Signed',
              cell: (one) => (
                <span>
                  by {one.signed_by}
                  <br />
                  <span className={styles.small}>until {clockTime(one.expires_at)}</span>
                </span>
              ),
            },
            ...(mayRevoke
              ? [
                  {
                    key: 'revoke',
                    title: 'Revoke',
                    cell: (one: Standing) => (
                      <Button
                        aria-label={`Revoke ${one.rule} ${one.action}`}
                        disabled={revoke.isPending}
                        onClick={() => revoke.mutate(one.id)}
                      >
                        Revoke
                      </Button>
                    ),
                  },
                ]
              : []),
          ]}
        />
      )}
      {signing && <StandingDialog onClose={() => setSigning(false)} />}
    </Card>
  )
}

interface BoundsShown {
  clusters: string[]
  namespaces: string[]
  kinds: string[]
  worst_level: string
  most_replicas: number
  production: boolean
}

function boundsWords(one: Standing, nameOf: (cluster: string) => string): string {
  const bounds = one.bounds as unknown as BoundsShown
  return [
    `${bounds.kinds.join(', ')} in ${bounds.namespaces.join(', ')} of ${bounds.clusters.map(nameOf).join(', ')}`,
    `blast radius ${bounds.worst_level} at most`,
    bounds.most_replicas ? `${bounds.most_replicas} replicas at most` : '',
    bounds.production ? 'production too' : 'not in production',
    one.window ? windowWords(one.window as TimeWindow) : '',
  ]
    .filter(Boolean)
    .join('; ')
}
