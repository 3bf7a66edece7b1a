import { useState } from 'react'
import { useQuery } from '@tanstack/react-query'
import { policiesQuery } from '../../api/changeQueries'
import { useMay } from '../../api/roles'
import type { Policies, Policy } from '../../api/types'
import { Button, IconButton } from '../../ui/Button'
import { Card } from '../../ui/Card'
import { EmptyState, ErrorNotice } from '../../ui/Notice'
import { PageHeader } from '../../ui/PageHeader'
import { SkeletonRows } from '../../ui/Skeleton'
import { StatusWord } from '../../ui/Status'
import { Table } from '../../ui/Table'
import { EnvironmentsCard } from './EnvironmentsCard'
import { PolicyDialog } from './PolicyDialog'
import { listOf } from './policies'
import { effectWords, matchWords, newPolicy } from './policyForm'
import styles from './Governance.module.css'

/** What this installation asks for beyond the rules, and the rules themselves, which nobody can change. */
export function PoliciesPage() {
  const found = useQuery(policiesQuery())
  const mayEdit = useMay('settings:write')
  const [edited, setEdited] = useState<Policy | null>(null)
  return (
    <div className={styles.page}>
      <PageHeader title="Policies">
        {mayEdit && found.data && (
          <Button tone="primary" icon="plus" onClick={() => setEdited(newPolicy())}>
            Add a policy
          </Button>
        )}
      </PageHeader>
      <p className={styles.lead}>
        A policy can refuse a change or ask for more: another kind of approval, a second person, certain
        hours. It can never allow what a rule below refuses. Of all policies that match a change, the
        strictest of each kind holds.
        {!mayEdit && ' An administrator can change them.'}
      </p>
      {found.isError && <ErrorNotice error={found.error} onRetry={() => void found.refetch()} />}
      {found.isPending && <SkeletonRows label="Loading policies" />}
      {found.data && (
        <>
          <PolicyTable found={found.data} onEdit={mayEdit ? setEdited : undefined} />
          <EnvironmentsCard found={found.data} mayEdit={mayEdit} />
          <Card title="Rules" aside="in code; no setting, role or model can lift them">
            <ul className={styles.rules}>
              {found.data.rules.map((rule) => (
                <li key={rule.name}>
                  <code>{rule.name}</code>
                  <span>{rule.text}</span>
                </li>
              ))}
            </ul>
          </Card>
          {edited && <PolicyDialog found={found.data} policy={edited} onClose={() => setEdited(null)} />}
        </>
      )}
    </div>
  )
}

function PolicyTable({ found, onEdit }: { found: Policies; onEdit: ((policy: Policy) => void) | undefined }) {
  const policies = listOf(found)
  return (
    <Card title="Policies" flush>
      {policies.length === 0 ? (
        <EmptyState title="No policy yet">
          <p>The rules and the preview decide alone what approval a change needs.</p>
        </EmptyState>
      ) : (
        <Table
          label="Policies"
          rows={policies}
          rowKey={(policy) => policy.id}
          columns={[
            {
              key: 'name',
              title: 'Name',
              cell: (policy) => (
                <span>
                  <span className={styles.name}>{policy.name}</span>
                  {policy.reason && <span className={styles.small}> {policy.reason}</span>}
                </span>
              ),
            },
            { key: 'match', title: 'About', cell: matchWords },
            { key: 'effect', title: 'Asks for', cell: effectWords },
            {
              key: 'enabled',
              title: 'In force',
              cell: (policy) =>
                policy.enabled ? (
                  <StatusWord level="ok" word="Yes" />
                ) : (
                  <StatusWord level="unknown" word="Off" />
                ),
            },
            ...(onEdit
              ? [
                  {
                    key: 'edit',
                    title: 'Edit',
                    cell: (policy: Policy) => (
                      <IconButton icon="edit" label={`Edit ${policy.name}`} onClick={() => onEdit(policy)} />
                    ),
                  },
                ]
              : []),
          ]}
        />
      )}
    </Card>
  )
}
