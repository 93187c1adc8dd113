// main: which page it is, the data says.
import {PageData} from './data';
import {diffPage} from './diff';
import {DiffData} from './diff_data';
import {historyPage} from './history';
import {HistoryData} from './history_data';
import {showPage} from './page';
import {reportPage} from './report';
import {startTheme} from './theme';

const data = JSON.parse(document.getElementById('leakhunt-data')!.textContent!) as PageData | DiffData | HistoryData;
startTheme();
showPage(data.page === 'diff' ? diffPage(data) : data.page === 'history' ? historyPage(data) : reportPage(data));
