import { useQuery } from '@tanstack/react-query'
import { namespacesQuery } from '../../api/queries'
import type { Column, Kind } from '../../api/types'
import type { ListSearch } from '../../app/router'
import { IconButton } from '../../ui/Button'
import { ToolbarSelect } from '../../ui/Field'
import { Menu, MenuItem, MenuLabel } from '../../ui/Menu'
import { groupings, shownColumns, toggleColumn } from './columns'

interface ListControlsProps {
  cluster: string
  kind: Kind
  columns: Column[]
  search: ListSearch
  change: (next: Partial<ListSearch>) => void
}

/** Namespace, grouping and columns of a list. */
export function ListControls({ cluster, kind, columns, search, change }: ListControlsProps) {
  const namespaces = useQuery({ ...namespacesQuery(cluster), enabled: kind.namespaced })
  const shown = new Set(shownColumns(columns, search.columns).map((column) => column.key))
  const names = namespaces.data ?? []
  const known = search.namespace && !names.includes(search.namespace) ? [search.namespace, ...names] : names
  return (
    <>
      {kind.namespaced && (
        <ToolbarSelect
          label="Namespace"
          value={search.namespace ?? ''}
          onChange={(event) => change({ namespace: event.target.value || undefined, open: undefined })}
        >
          <option value="">All namespaces</option>
          {known.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </ToolbarSelect>
      )}
      <ToolbarSelect
        label="Group by"
        value={search.group ?? ''}
        onChange={(event) => change({ group: event.target.value || undefined })}
      >
        <option value="">No grouping</option>
        {groupings(kind, columns).map((grouping) => (
          <option key={grouping.key} value={grouping.key}>
            By {grouping.title.toLowerCase()}
          </option>
        ))}
      </ToolbarSelect>
      <Menu align="end" trigger={<IconButton icon="columns" label="Columns" />}>
        <MenuLabel>Columns</MenuLabel>
        {columns
          .filter((column) => column.key !== 'name')
          .map((column) => (
            <MenuItem
              key={column.key}
              checked={shown.has(column.key)}
              onSelect={(event) => {
                event.preventDefault()
                change({ columns: toggleColumn(columns, search.columns, column.key) })
              }}
            >
              {column.title}
            </MenuItem>
          ))}
      </Menu>
    </>
  )
}
