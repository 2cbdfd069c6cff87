/** What a row is sorted by. Undefined: not known, always last. */
export type SortValue = string | number | undefined;

export interface Sort {
  column: number;
  ascending: boolean;
}

/** The items in the order of a column; those that are equal stay as they are. */
export function sorted<T>(items: readonly T[], value: (item: T) => SortValue, ascending: boolean): T[] {
  const order = ascending ? 1 : -1;
  return [...items].sort((a, b) => {
    const [one, other] = [value(a), value(b)];
    if (one === undefined || other === undefined) return Number(one === undefined) - Number(other === undefined);
    if (typeof one === 'number' && typeof other === 'number') return order * (one - other);
    return order * String(one).localeCompare(String(other), undefined, { numeric: true });
  });
}

/** After a click on the head of a column: the other order, or another column. */
export function next(sort: Sort, column: number): Sort {
  return { column, ascending: sort.column === column ? !sort.ascending : true };
}
