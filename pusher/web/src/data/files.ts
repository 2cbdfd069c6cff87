// A table as a file: exactly the rows and values that are shown.
import { strToU8, zipSync } from 'fflate';
import type { Formats } from '../settings/formats';
import { headOf, textOf, type Column, type Table, type Value } from './table';

/** Text that a spreadsheet would take for a formula. */
const FORMULA = /^[=+\-@\t\r]/;

/**
 * CSV by RFC 4180 in UTF-8. Text is always quoted, so that a reader that looks at quotes keeps the address `07E010` as text; a text
 * that a spreadsheet would take for a formula begins with an apostrophe. Numbers are not quoted.
 */
export function csvOf({ columns, rows }: Table, formats: Formats): string {
  const quoted = (text: string) => `"${(FORMULA.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;
  const cell = (value: Value, column: Column) => (value === undefined ? '' : column.type === 'number' ? textOf(value, column, formats) : quoted(textOf(value, column, formats)));
  const lines = [columns.map((column) => quoted(headOf(column, formats))), ...rows.map(({ values }) => values.map((value, i) => cell(value, columns[i]!)))];
  return lines.map((cells) => `${cells.join(',')}\r\n`).join('');
}

const DAY_MS = 86_400_000;
/** Spreadsheets count days from here. */
const EPOCH_DAY = 25_569;
const XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n';
const MAIN = 'http://schemas.openxmlformats.org/spreadsheetml/2006/main';
const DOCUMENT = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships';
const PACKAGE = 'http://schemas.openxmlformats.org/package/2006';
const SHEET_TYPE = 'application/vnd.openxmlformats-officedocument.spreadsheetml';
/** Of `cellXfs` in the styles. */
const STYLES = { bold: 1, time: 2 };

/** A workbook (ECMA-376) with one sheet. Text stays text, numbers are numbers, times are times of the user's zone. */
export function xlsxOf({ columns, rows }: Table, formats: Formats): Uint8Array<ArrayBuffer> {
  const cell = (value: Value, column: Column): string => {
    if (value === undefined) return '<c/>';
    if (typeof value === 'string') return inline(value);
    return column.type === 'time' ? `<c s="${STYLES.time}"><v>${dayOf(value, formats)}</v></c>` : `<c><v>${value}</v></c>`;
  };
  const head = `<row>${columns.map((column) => inline(headOf(column, formats), STYLES.bold)).join('')}</row>`;
  const body = rows.map(({ values }) => `<row>${values.map((value, i) => cell(value, columns[i]!)).join('')}</row>`).join('');
  const widths = columns.map(({ type }, i) => `<col min="${i + 1}" max="${i + 1}" width="${type === 'number' ? 13 : 21}" customWidth="1"/>`).join('');
  const frozen = '<sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>';
  return archive({
    '[Content_Types].xml': `<Types xmlns="${PACKAGE}/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>`
      + ['workbook/sheet.main', 'worksheets/sheet1/worksheet', 'styles/styles'].map((part) => {
        const [name, ...kind] = part.split('/');
        const file = kind.length === 1 ? `${name}.xml` : `${name}/${kind[0]}.xml`;
        return `<Override PartName="/xl/${file}" ContentType="${SHEET_TYPE}.${kind.at(-1)}+xml"/>`;
      }).join('') + '</Types>',
    '_rels/.rels': relations([['officeDocument', 'xl/workbook.xml']]),
    'xl/workbook.xml': `<workbook xmlns="${MAIN}" xmlns:r="${DOCUMENT}"><sheets><sheet name="Updraft" sheetId="1" r:id="rId1"/></sheets></workbook>`,
    'xl/_rels/workbook.xml.rels': relations([['worksheet', 'worksheets/sheet1.xml'], ['styles', 'styles.xml']]),
    'xl/styles.xml': `<styleSheet xmlns="${MAIN}"><numFmts count="1"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd\\ hh:mm:ss"/></numFmts>`
      + '<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font><font><b/><sz val="11"/><name val="Calibri"/></font></fonts>'
      + '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills><borders count="1"><border/></borders>'
      + '<cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="3"><xf/><xf fontId="1" applyFont="1"/><xf numFmtId="164" applyNumberFormat="1"/></cellXfs><cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>',
    'xl/worksheets/sheet1.xml': `<worksheet xmlns="${MAIN}">${frozen}<cols>${widths}</cols><sheetData>${head}${body}</sheetData></worksheet>`,
  });
}

function archive(files: Record<string, string>): Uint8Array<ArrayBuffer> {
  return zipSync(Object.fromEntries(Object.entries(files).map(([name, text]) => [name, strToU8(XML + text)]))) as Uint8Array<ArrayBuffer>;
}

function relations(targets: readonly (readonly [type: string, target: string])[]): string {
  const each = targets.map(([type, target], i) => `<Relationship Id="rId${i + 1}" Type="${DOCUMENT}/${type}" Target="${target}"/>`);
  return `<Relationships xmlns="${PACKAGE}/relationships">${each.join('')}</Relationships>`;
}

function inline(text: string, style?: number): string {
  const escaped = text.replace(/[<>&]/g, (sign) => ({ '<': '&lt;', '>': '&gt;', '&': '&amp;' })[sign]!)
    // Names come from radio frames: XML forbids most control characters.
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd');
  return `<c t="inlineStr"${style === undefined ? '' : ` s="${style}"`}><is><t xml:space="preserve">${escaped}</t></is></c>`;
}

/** The shown time, which has no part of a second, as a number of days; a spreadsheet knows no zones. */
function dayOf(ms: number, formats: Formats): number {
  return (Math.floor(ms / 1000) * 1000 + formats.zoneOffsetMs(ms)) / DAY_MS + EPOCH_DAY;
}
