"nbdev_test, every notebook in a process of its own: what one leaves behind cannot help the next."
import multiprocessing
from functools import partial
import fastcore.parallel as parallel
from nbdev.test import nbdev_test

if __name__ == '__main__':
    parallel.ProcessPoolExecutor = partial(parallel.ProcessPoolExecutor, mp_context=multiprocessing.get_context('spawn'), max_tasks_per_child=1)
    nbdev_test()
